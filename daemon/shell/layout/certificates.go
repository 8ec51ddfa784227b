package layout

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"quorate.org/daemon/bus"
)

// Certificates lists the files, and below them why any is not used.
func Certificates(list []bus.Certificate) string {
	rows := make([][]string, len(list))
	var reasons strings.Builder
	for i, c := range list {
		rows[i] = []string{c.File, c.Kind, c.State, expiry(c), c.Subject, strings.Join(c.UsedBy, " ")}
		if c.Reason != "" {
			fmt.Fprintf(&reasons, "%s: %s\n", c.File, c.Reason)
		}
	}
	text := Table([]string{"FILE", "KIND", "STATE", "EXPIRES", "SUBJECT", "USED BY"}, rows)
	if reasons.Len() > 0 {
		text += "\n" + reasons.String()
	}
	return text
}

func expiry(c bus.Certificate) string {
	if c.NotAfter == "" {
		return "-"
	}
	day := moment(c.NotAfter)
	if t, err := time.Parse(time.RFC3339, c.NotAfter); err == nil {
		day = t.Format(time.DateOnly)
	}
	return fmt.Sprintf("%s (%s)", day, plural(c.DaysLeft, "day"))
}

// Certificate describes one file, and below it each certificate of it; what does
// not apply to its kind is left out.
func Certificate(c bus.Certificate) string {
	fields := []Field{{"File", c.File}, {"Kind", c.Kind}, {"State", c.State}}
	for _, f := range []Field{
		{"Reason", c.Reason},
		{"Subject", c.Subject},
		{"Issuer", c.Issuer},
		{"Names", c.Names},
		{"Not before", moment(c.NotBefore)},
		{"Not after", moment(c.NotAfter)},
		{"Days left", daysLeft(c)},
		{"Fingerprint", c.Fingerprint},
	} {
		if f.Value != "" {
			fields = append(fields, f)
		}
	}
	text := StatusBlock(append(fields, Field{"Used by", strings.Join(c.UsedBy, " ")}))
	if len(c.Chain) > 0 {
		text += "\nChain\n" + strings.Join(c.Chain, "\n") + "\n"
	}
	return text
}

func daysLeft(c bus.Certificate) string {
	if c.NotAfter == "" {
		return ""
	}
	return strconv.Itoa(c.DaysLeft)
}
