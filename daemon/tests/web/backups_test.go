package web

import (
	"testing"

	"quorate.org/daemon/internal/lab/browser"
	"quorate.org/daemon/internal/lab/labtest"
)

// A backup is made, looked into and deleted in a browser without JavaScript; its
// file stands on no page after that.
func TestM4_4_BackupsInWebAdmin(t *testing.T) {
	l := labtest.Cluster(t)
	n := l.Members()[0]
	b := labtest.Browser(t, l, browser.Chromium, browser.Options{NoScript: true})
	p := labtest.SignIn(t, b, n, "admin")
	visit(t, p, n.WebURL()+"/backups")
	press := func(button, says string, fields ...string) {
		t.Helper()
		for i := 0; i < len(fields); i += 2 {
			must(t, p.Fill(fields[i], fields[i+1]))
		}
		_, err := p.Follow(button)
		must(t, err)
		must(t, p.WaitText(says))
	}
	const passphrase = "a passphrase to keep"
	press("button[value=make]", "in-browser.quorate-backup is ready", "#f-name", "in-browser", "#f-passphrase", passphrase, "#f-confirm-passphrase", passphrase)
	press("button[value=preview]", "the passphrase does not open the backup", "#f-rollback-passphrase", "another passphrase")
	press("button[value=preview]", "nothing was changed; restoring in-browser.quorate-backup would mean", "#f-rollback-passphrase", passphrase)
	press("button[value=restore]", "tick that this node is to be changed", "#f-rollback-passphrase", passphrase)
	press(`a[aria-label="Delete in-browser.quorate-backup"]`, "Delete the backup")
	press("button.harm", "in-browser.quorate-backup deleted")
	must(t, p.WaitText("There is none."))
	t.Log("M4.4 Web Admin without JavaScript: a backup made, refused under another passphrase, previewed, deleted")
}
