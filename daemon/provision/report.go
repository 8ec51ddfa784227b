package provision

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"quorate.org/daemon/fault"
)

// ReportPath is the file that says what was not used at this boot.
const ReportPath = "/run/quorate/provisioning"

// Report adds faults to the file at path, a line each.
func Report(path string, faults []*fault.Error) (err error) {
	if len(faults) == 0 {
		return nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("reporting what is not used: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var b strings.Builder
	for _, x := range faults {
		fmt.Fprintf(&b, "%s\t%s\t%s\n", x.Code, flat(x.Message), flat(x.Remedy))
	}
	_, err = f.WriteString(b.String())
	return err
}

// flat puts a text on one line and in one field.
func flat(s string) string { return strings.Join(strings.Fields(s), " ") }

// Reported reads what Report wrote; nothing when all was used.
func Reported(path string) []*fault.Error {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var faults []*fault.Error
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); len(f) == 3 {
			faults = append(faults, fault.Mend(fault.Code(f[0]), f[1], f[2]))
		}
	}
	return faults
}
