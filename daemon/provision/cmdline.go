package provision

import "strings"

// CommandLine takes quorate.recover off the kernel's command line, where a person
// at the boot menu can write it. It takes nothing else: what is written there
// can be read by every process.
func CommandLine(line string) []Item {
	for _, word := range strings.Fields(line) {
		key, value, given := strings.Cut(word, "=")
		if key != prefix+Recover {
			continue
		}
		if !given {
			value = "yes"
		}
		return []Item{{Key: Recover, Value: value, Source: "the kernel command line"}}
	}
	return nil
}
