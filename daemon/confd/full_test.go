package confd_test

import (
	"strings"
	"testing"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/internal/smalldisk"
)

// A change on a node whose disk is full is refused in words: files, values and
// what a restart finds stay as they were, and with room it can be made.
func TestDiskFull(t *testing.T) {
	for _, full := range []string{"state", "files"} {
		t.Run(full, func(t *testing.T) {
			disk := smalldisk.Mount(t)
			r := rigOn(t, disk, full)
			if _, err := r.Set(t.Context(), map[string]any{"xmpp.client_port": int64(5000)}); err != nil {
				t.Fatal(err)
			}
			own := r.text("conf.d/90-quorate.toml")
			empty := smalldisk.Fill(t, disk)
			_, err := r.Set(t.Context(), map[string]any{"xmpp.client_port": int64(6000)})
			if fault.CodeOf(err) != fault.DiskFull || !strings.Contains(err.Error(), "no room left on the disk") {
				t.Errorf("got %v", err)
			}
			if got := r.value("xmpp.client_port"); got != int64(5000) {
				t.Errorf("in force: %v", got)
			}
			if got := r.text("conf.d/90-quorate.toml"); got != own {
				t.Errorf("the file became\n%s", got)
			}
			r.restart() // without room
			if got := r.value("xmpp.client_port"); got != int64(5000) {
				t.Errorf("in force after a restart: %v", got)
			}
			empty()
			if _, err := r.Set(t.Context(), map[string]any{"xmpp.client_port": int64(6000)}); err != nil || r.value("xmpp.client_port") != int64(6000) {
				t.Errorf("with room again: %v, %v", err, r.value("xmpp.client_port"))
			}
		})
	}
}
