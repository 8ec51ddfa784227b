package image

import (
	"testing"
	"time"
)

// What a person who stands before a machine meets: the console in three states, as
// a picture on VGA and as text on the serial line; one was set up by a labelled disk,
// a line of which is wrong. The text is judged by its words, and the picture by the
// text. It runs before the cluster's machines do, which even idle take a processor.
func TestM4_6_Console(t *testing.T) {
	began := time.Now()
	letters := newAlphabet()
	fresh := newMachine(t, outside)
	apart := newMachine(t, nowhere, labelled(t, "hostname = cb7\nadmin.hashed_password = "+somebodysHash+"\ndns = the router\n")...)
	fresh.shows(t, letters, "fresh", "Set the password of admin: press Enter.", "Enter: set the password of admin",
		"ssh admin@10.0.2.15", "https://10.0.2.15:445/", "SHA256:", "SHA-256 ", "not a member of a cluster")
	apart.shows(t, letters, "no-dhcp", "no address: no DHCP server has answered", "no address to reach it at",
		"Give this node an address", "cb7", "line 3 of node.conf on the disk QUORATE", "Enter: sign in")
	fresh.off()
	apart.off()
	early := newMachine(t, outside, "-rtc", "base=2031-01-01T00:00:00", "-smbios", somebodys)
	early.shows(t, letters, "wrong-clock", "2031-01-01", "not synchronised: no time server answered", "the clock is not synchronised", "ssh admin@10.0.2.15", "Enter: sign in")
	t.Logf("M4.6 three states, on VGA as on the serial line, %d characters told apart: %.0f s", len(letters.glyphs), time.Since(began).Seconds())
}
