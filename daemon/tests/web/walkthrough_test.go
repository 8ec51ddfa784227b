package web

import (
	"slices"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/browser"
	"quorate.org/daemon/internal/lab/labtest"
)

var limits = labtest.Limits{Connect: 5 * time.Second, FailOver: 2 * time.Second, Return: 20 * time.Second}

// The nine steps, done with SSH and Chromium together: the Call Bridges get
// their names and secrets in Web Admin, find their servers by SRV, and one
// whose server loses power is connected elsewhere before anybody looks.
func TestM3_1_NineSteps(t *testing.T) {
	l := labtest.Form(t, lab.Shared)
	b := labtest.Browser(t, l, browser.Chromium, browser.Options{})
	pages := labtest.ConfigureBridges(t, l, b, limits)
	for n, p := range pages {
		sound(t, n, p)
	}
	killed := labtest.FailOver(t, l, pages, labtest.Killed, limits)
	for n, p := range pages {
		quiet(t, n.Name(), p)
	}
	signInAgain(t, pages)
	silent := labtest.FailOver(t, l, pages, labtest.Silent, limits)
	signInAgain(t, pages)
	patient := limits // the leader binds the name anew once a silent member can not have it any more
	patient.FailOver = 5 * time.Second
	follower := labtest.FailOver(t, l, pages, labtest.SilentFollower, patient)
	t.Logf("M3.1 nine steps with SSH and Chromium: cb1 cb2 cb3 connected by SRV; the leader's node killed: %v; cut off without a word: %v; a follower: %v", killed, silent, follower)
	firefox(t, l)
}

// signInAgain brings the pages of nodes that started anew back to Status.
func signInAgain(t *testing.T, pages map[*lab.Node]*browser.Page) {
	t.Helper()
	for n, p := range pages {
		if url, err := p.URL(); err != nil || url != n.WebURL()+"/status" {
			pages[n] = labtest.SignIn(t, p.Browser(), n, "admin")
		}
	}
}

// processFaults are those of nodes that are processes and no machines.
var processFaults = []string{"the clock is not synchronised", "the service manager (systemd) is not running"}

// sound checks that an open Status page tells of no fault.
func sound(t *testing.T, n *lab.Node, p *browser.Page) {
	t.Helper()
	var faults []string
	must(t, p.Evaluate(`[...document.querySelectorAll("section[aria-labelledby=faults] li .state")].map(e => e.innerText)`, &faults))
	for _, f := range faults {
		if !slices.Contains(processFaults, f) {
			t.Errorf("%s: %s", n.Name(), f)
		}
	}
}

// firefox is one pass with the other browser.
func firefox(t *testing.T, l *lab.Lab) {
	t.Helper()
	b := labtest.Browser(t, l, browser.Firefox, browser.Options{})
	n := l.Members()[0]
	p := labtest.SignIn(t, b, n, "admin")
	must(t, p.WaitText("connected to cb"))
	visit(t, p, n.WebURL()+"/configuration/general")
	got(t, "unique name in Firefox", n.Name())(p.Value("#f-name"))
	visit(t, p, n.WebURL()+"/logs?unit=callbridged")
	must(t, p.WaitText("connected to cb"))
	must(t, p.WaitText("Live: new entries come at the end."))
	quiet(t, "Firefox", p)
	t.Logf("M3.1 %s: signed in, status, general, event log", b.Version())
}

func visit(t *testing.T, p *browser.Page, url string) browser.Visit {
	t.Helper()
	v, err := p.Goto(url)
	must(t, err)
	return v
}

// quiet checks that the browser found nothing to complain of: no breach of the
// content security policy, no error. What a node that is off did not answer is
// not the page's fault.
func quiet(t *testing.T, who string, p *browser.Page) {
	t.Helper()
	said, err := p.Complaints()
	must(t, err)
	for _, s := range said {
		if !strings.Contains(s, "net::ERR_") && !strings.Contains(s, "status of 422") {
			t.Errorf("%s: the browser complains: %s", who, s)
		}
	}
}
