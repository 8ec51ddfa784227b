package web

import (
	"fmt"
	"io/fs"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"quorate.org/daemon/bus"
)

// everyPage are the pages as an administrator meets them, questions and details
// included.
var everyPage = []string{"/status", "/configuration/general", "/configuration/cluster", "/configuration/cluster?ask=reset",
	"/configuration/xmpp", "/configuration/xmpp?check=bridges&show=secrets", "/configuration/xmpp?ask=bridge-delete&bridge=cb1",
	"/certificates", "/certificates?file=xmpp.cer", "/backups", "/logs"}

var (
	idForm     = regexp.MustCompile(` id="([^"]*)"`)
	refForm    = regexp.MustCompile(` (?:for|aria-labelledby|aria-describedby)="([^"]*)"`)
	anchorForm = regexp.MustCompile(` href="#([^"]*)"`)
	inputForm  = regexp.MustCompile(`<(?:input|select|textarea)\b[^>]*>`)
	labelForm  = regexp.MustCompile(`<label[^>]* for="([^"]*)"`)
	tickForm   = regexp.MustCompile(`(?s)<label class="tick">.*?</label>`)
)

// Every page has one heading, every input a label, every reference something it
// refers to, and nothing that the Content-Security-Policy forbids.
func TestPagesAreWellSet(t *testing.T) {
	for _, state := range []string{"LEADER", "STANDALONE", "NOT JOINED"} {
		d := newDesk(t, func(d *desk) { d.node.state = state })
		b := d.signedIn("admin")
		for _, path := range everyPage {
			wellSet(t, state+" "+path, b.get(path).body)
		}
		// A refused form points at its field.
		wellSet(t, "refused", b.post(general1, link("a.b", "", "", "1", "2")).body)
		wellSet(t, "signed out", d.browser().get("/signin").body)
	}
}

func wellSet(t *testing.T, name, body string) {
	t.Helper()
	if n := strings.Count(body, "<h1>"); n != 1 {
		t.Errorf("%s has %d first headings", name, n)
	}
	ids := map[string]bool{}
	for _, m := range idForm.FindAllStringSubmatch(body, -1) {
		if ids[m[1]] {
			t.Errorf("%s has two elements %q", name, m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range append(refForm.FindAllStringSubmatch(body, -1), anchorForm.FindAllStringSubmatch(body, -1)...) {
		for id := range strings.FieldsSeq(m[1]) {
			if !ids[id] {
				t.Errorf("%s refers to %q, which is not there", name, id)
			}
		}
	}
	labelled := map[string]bool{}
	for _, m := range labelForm.FindAllStringSubmatch(body, -1) {
		labelled[m[1]] = true
	}
	for _, input := range inputForm.FindAllString(tickForm.ReplaceAllString(body, ""), -1) {
		id := idForm.FindStringSubmatch(input)
		if !strings.Contains(input, `type="hidden"`) && (id == nil || !labelled[id[1]]) {
			t.Errorf("%s has an input without a label: %s", name, input)
		}
	}
	for _, forbidden := range []string{" style=", "<style", " onclick", "javascript:", "data:", "//cdn", "<no value>", "ZgotmplZ"} {
		if strings.Contains(body, forbidden) {
			t.Errorf("%s has %q", name, forbidden)
		}
	}
}

// What a browser fetches once is small.
func TestAssetsAreSmall(t *testing.T) {
	const most = 40 << 10
	total := 0
	err := fs.WalkDir(files, "static", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := files.ReadFile(path)
		total += len(b)
		if strings.Contains(string(b), "url(") || strings.Contains(string(b), "@import") {
			t.Errorf("%s fetches something", path)
		}
		return err
	})
	if err != nil || total > most {
		t.Errorf("the static files have %d bytes, more than %d (%v)", total, most, err)
	}
}

var colorForm = regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`)

// Text has a contrast of 4.5 and what bounds an input one of 3, in light and in
// dark (WCAG 2.2 §1.4.3, §1.4.11).
func TestContrast(t *testing.T) {
	css, err := files.ReadFile("static/style.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, ok := strings.Cut(string(css), "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("there is no dark scheme")
	}
	for name, text := range map[string]string{"light": light, "dark": dark} {
		color := map[string]float64{}
		for _, m := range colorForm.FindAllStringSubmatch(text, -1) {
			color[m[1]] = luminance(t, m[2])
		}
		for pair, least := range map[string]float64{
			"ink ground": 4.5, "ink panel": 4.5, "ink sunk": 4.5, "soft ground": 4.5, "soft panel": 4.5, "accent ground": 4.5, "accent panel": 4.5, "accent sunk": 4.5,
			"on-accent accent": 4.5, "ok panel": 4.5, "warn panel": 4.5, "bad panel": 4.5, "bad ground": 4.5,
			"ink ok-ground": 4.5, "ink warn-ground": 4.5, "ink bad-ground": 4.5, "accent bad-ground": 4.5,
			"edge panel": 3, "ok ok-ground": 3, "warn warn-ground": 3, "bad bad-ground": 3,
		} {
			front, back, _ := strings.Cut(pair, " ")
			if color[front] == 0 && color[back] == 0 {
				t.Errorf("%s: %s is not there", name, pair)
			}
			if got := contrast(color[front], color[back]); got < least {
				t.Errorf("%s: the contrast of %s is %.2f, less than %.1f", name, pair, got, least)
			}
		}
	}
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(hex, 16, 24)
	if err != nil {
		t.Fatal(err)
	}
	channel := func(shift uint) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
}

func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }

// A state has a word beside its shape, whatever the state.
func TestEveryStateHasAShape(t *testing.T) {
	for state, want := range map[string]string{"connected": "ok", "connecting": "warn", "failed": "bad", "not configured": "off", "alive": "ok",
		"left": "off", "NO LEADER": "bad", "NOT JOINED": "warn", "rejected": "bad", "incomplete": "warn"} {
		if got := level(state); got != want {
			t.Errorf("%s: %s, want %s", state, got, want)
		}
	}
	css, _ := files.ReadFile("static/style.css") // embedded
	for _, class := range []string{"ok", "warn", "bad", "off"} {
		if !strings.Contains(string(css), fmt.Sprintf(".state.%s::before", class)) {
			t.Errorf("%s has no shape", class)
		}
	}
}

func TestOutlook(t *testing.T) {
	good := bus.ServiceCheck{File: "xmpp.cer", OK: true, When: "2027-01-01T00:00:00Z", Days: 40}
	sooner := bus.ServiceCheck{File: "web.cer", OK: true, When: "2026-12-01T00:00:00Z", Days: 1}
	fits := bus.ServiceCheck{File: "xmpp.cer", OK: true}
	bad := bus.ServiceCheck{File: "ca.cer"}
	for _, c := range []struct {
		list []bus.ServiceCheck
		want verdict
	}{
		{[]bus.ServiceCheck{good, fits, sooner}, verdict{"ok", "Nothing will break before web.cer ends in 1 day"}},
		{[]bus.ServiceCheck{fits}, verdict{"ok", "Nothing will break"}},
		{[]bus.ServiceCheck{good, bad}, verdict{"bad", "1 thing to mend"}},
		{[]bus.ServiceCheck{bad, good, bad}, verdict{"bad", "2 things to mend"}},
	} {
		if got := newOutlook(c.list).Verdict(); got != c.want {
			t.Errorf("%v: %v, want %v", c.list, got, c.want)
		}
	}
	if !newOutlook(nil).Empty() || newOutlook([]bus.ServiceCheck{bad}).Empty() || newOutlook([]bus.ServiceCheck{good}).Empty() {
		t.Error("only an outlook on nothing is empty")
	}
}
