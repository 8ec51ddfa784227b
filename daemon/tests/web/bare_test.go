package web

import (
	"net/http"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/browser"
)

// asked are a page and what it consists of, asked for once more.
const asked = `Promise.all([location.href, ...performance.getEntriesByType("resource")
	.filter(r => ["link", "script", "css", "img"].includes(r.initiatorType)).map(r => r.name)]
	.map(async url => {
		const answer = await fetch(url);
		return {
			path: new URL(url).pathname, type: answer.headers.get("Content-Type"),
			cache: answer.headers.get("Cache-Control"), body: await answer.text(),
		};
	}))`

// copied is an answer of a node, kept.
type copied struct{ Path, Type, Cache, Body string }

// bareLoad is how long the page that p shows takes to load from a server that
// has its bytes ready: the browser's part, as fast as the machine is just now.
func bareLoad(t *testing.T, p *browser.Page, l *lab.Lab) time.Duration {
	t.Helper()
	var answers []copied
	must(t, p.Evaluate(asked, &answers))
	mux := http.NewServeMux()
	for _, a := range answers {
		mux.HandleFunc("GET "+a.Path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", a.Type)
			w.Header().Set("Cache-Control", a.Cache)
			_, _ = w.Write([]byte(a.Body)) // the browser tells
		})
	}
	from := start(t, browser.Chromium, browser.Options{CA: l.CA.PEM()})
	return settled(t, from, site(t, l.CA, mux)+answers[0].Path, http.StatusOK)
}
