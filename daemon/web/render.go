package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"strings"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/shell/layout"
)

// Templates: layout.html is the whole page and calls "content", which each
// page's file defines. A live page's file also defines "live", the part that is
// sent anew. Each gets a *frame.
//
//go:embed templates static
var files embed.FS

// looks are the parsed templates, by file name.
type looks map[string]*template.Template

// readLooks parses layout.html with each other file of templates.
func readLooks(assets *assets) (looks, error) {
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	base, err := template.New("layout.html").Funcs(functions(assets)).ParseFS(files, "templates/layout.html")
	if err != nil {
		return nil, fmt.Errorf("reading the layout: %w", err)
	}
	out := looks{}
	for _, name := range names {
		short := strings.TrimPrefix(name, "templates/")
		if short == "layout.html" {
			continue
		}
		t, err := template.Must(base.Clone()).ParseFS(files, name)
		if err != nil {
			return nil, fmt.Errorf("reading template %s: %w", short, err)
		}
		out[short] = t
	}
	return out, nil
}

// draw executes the named part of a page's template: "layout.html" for the
// whole page, "live" for the part that is sent anew. Nothing half-drawn is
// ever sent.
func (l looks) draw(file, part string, f *frame) ([]byte, error) {
	t, ok := l[file]
	if !ok {
		return nil, fmt.Errorf("drawing %s: there is no such template", file)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, part, f); err != nil {
		return nil, fmt.Errorf("drawing %s: %w", file, err)
	}
	return b.Bytes(), nil
}

// functions are what templates may call.
func functions(a *assets) template.FuncMap {
	return template.FuncMap{
		"asset":   a.address,                           // {{asset "style.css"}}: its address under /static/
		"join":    strings.Join,                        // {{join .Names ", "}}
		"ago":     ago,                                 // {{ago .Since}}: "5 m", of an RFC 3339 text
		"clock":   clock,                               // {{clock .Since}}: "2026-01-31 12:00:05 UTC", of an RFC 3339 text
		"secret":  func() string { return "••••••••" }, // stands for one that is set
		"days":    days,
		"service": service, // {{service "web"}}: Web Admin
		"outlook": newOutlook,
		"words":   func(name string) string { return strings.ReplaceAll(name, "-", " ") },
		"member":  newMembership, // {{(member .Cluster).Words}}: the cluster in words
		"field":   newField,
		"choose":  newChoice,
		"expiry":  expiry, // {{(expiry .).Class}}, {{(expiry .).Text}} of a certificate
		"level":   level,  // {{level .State}}: ok, warn, bad or off
		"fault":   func(code, text, remedy string) *fault.Error { return fault.Mend(fault.Code(code), text, remedy) },
	}
}

// ago returns how long ago an RFC 3339 time is; nothing for any other text.
func ago(since string) string {
	t, err := time.Parse(time.RFC3339Nano, since)
	if err != nil {
		return ""
	}
	return layout.Span(time.Since(t))
}

func clock(at string) string {
	t, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return at
	}
	return t.UTC().Format("2006-01-02 15:04:05 MST")
}

// assets are the files under static, whose addresses change with their content
// so that a browser may keep them for ever.
type assets struct {
	hash string // of all files
	body map[string][]byte
}

func readAssets() (*assets, error) {
	a := &assets{body: map[string][]byte{}}
	sum := sha256.New()
	entries, err := files.ReadDir("static")
	if err != nil {
		return nil, fmt.Errorf("reading the static files: %w", err)
	}
	for _, e := range entries {
		b, err := files.ReadFile("static/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("reading static file %s: %w", e.Name(), err)
		}
		a.body[e.Name()] = b
		fmt.Fprintf(sum, "%s %d\n", e.Name(), len(b))
		sum.Write(b)
	}
	a.hash = hex.EncodeToString(sum.Sum(nil))[:16]
	return a, nil
}

// address returns the address of a static file; one that is not there is the
// programmer's error and fails the page's test.
func (a *assets) address(name string) (string, error) {
	if _, ok := a.body[name]; !ok {
		return "", fmt.Errorf("there is no static file %s", name)
	}
	return "/static/" + a.hash + "/" + name, nil
}
