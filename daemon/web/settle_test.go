package web

import (
	"net/url"
	"strings"
	"testing"
)

// The page after a change of the link shows what became of it.
func TestLinkSettles(t *testing.T) {
	d := newDesk(t, func(d *desk) { d.link.turns = true })
	b := d.signedIn("admin")
	page := b.does(general1, url.Values{"action": {"reconnect"}})
	says(t, page, "connected to cb7.meet.example:5223 (secure)")
	if strings.Contains(page, "there is no SRV record") {
		t.Errorf("the link before is shown: %s", page)
	}
}
