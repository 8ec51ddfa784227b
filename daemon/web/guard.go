package web

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
)

// policy is the Content-Security-Policy: nothing from elsewhere, nothing
// inline, forms to this node alone, in nobody's frame.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// headers go with every answer.
var headers = map[string]string{
	"Content-Security-Policy":      policy,
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), geolocation=(), microphone=()",
	"Cache-Control":                "no-store", // what may be kept says so
}

// guarded is what every request passes before anything looks at it.
func (s *Server) guarded(next http.Handler) http.Handler {
	foreign := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.survive(w, r)
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		if !hostForm().MatchString(r.Host) {
			s.refuse(w, r, http.StatusBadRequest, fault.New(fault.InvalidArgument, "the Host header names no host"))
			return
		}
		if len(r.TransferEncoding) > 0 {
			// No browser sends a form so, and two lengths in one request are how
			// requests are smuggled (RFC 9112 §11.2). What follows is not read.
			w.Header().Set("Connection", "close")
			s.refuse(w, r, http.StatusLengthRequired, fault.New(fault.InvalidArgument, "a request must have a Content-Length"))
			return
		}
		if err := foreign.Check(r); err != nil {
			s.refuse(w, r, http.StatusForbidden, fault.Mend(fault.NotPermitted, "the form was sent by another site", "open Web Admin and do it there"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostForm is host or host:port, the host a name or an address. It is checked
// for its form alone: a node has names that it does not know.
var hostForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?$`)
})

// survive answers 500 for a page that panics. http.ErrAbortHandler is net/http's
// own way out.
func (s *Server) survive(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	s.log.Error(fmt.Sprintf("a page broke: %v", p), "page", printable(r.URL.Path, maxShown), "stack", string(debug.Stack()))
	s.fail(w, r, http.StatusInternalServerError, broken())
}

func broken() *fault.Error {
	return fault.Mend(fault.Internal, "this page broke, which is a fault of this program", "report it with a log bundle: logbundle")
}

// refuse answers a hostile or broken request and journals it, at a bounded rate.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, code int, why *fault.Error) {
	s.tellRefused(r, why)
	s.fail(w, r, code, why)
}

func (s *Server) tellRefused(r *http.Request, why *fault.Error) {
	hidden, ok := s.refusals.tell(placeOf(r.RemoteAddr), time.Now())
	if !ok {
		return
	}
	from := remoteHost(r)
	text := fmt.Sprintf("request from %s refused: %s (%s %s)", from, why.Message, printable(r.Method, 16), printable(r.URL.Path, maxShown))
	if hidden > 0 {
		text += fmt.Sprintf("; %d more before it were not told", hidden)
	}
	s.log.LogAttrs(r.Context(), slog.LevelWarn, text, slog.String("from", from), journal.ID(journal.WebRefused))
}

// maxShown is how much of what a stranger sent goes into the journal.
const maxShown = 120

// printable quotes a stranger's text when it is more than plain characters.
func printable(text string, most int) string {
	text = text[:min(len(text), most)]
	if q := strconv.QuoteToASCII(text); q != `"`+text+`"` {
		return q
	}
	return text
}

func remoteHost(r *http.Request) string {
	p, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return "unknown"
	}
	return p.Addr().Unmap().String()
}

// method says whether the request's method is one of those, and answers when
// it is not (RFC 9110 §15.5.6).
func (s *Server) method(w http.ResponseWriter, r *http.Request, allowed ...string) bool {
	for _, m := range allowed {
		if r.Method == m {
			return true
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	s.refuse(w, r, http.StatusMethodNotAllowed, fault.New(fault.InvalidArgument, "this page does not take that method"))
	return false
}

// serveAsset sends a static file. Its address has the content's digest, so a
// browser need never ask again.
func (s *Server) serveAsset(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, "/static/"+s.assets.hash+"/")
	body, there := s.assets.body[name]
	if !ok || !there {
		if crooked(r.URL.Path) {
			s.tellRefused(r, notThere())
		}
		s.fail(w, r, http.StatusNotFound, notThere())
		return
	}
	if !s.method(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(body)) // the type by the name
}

// crooked says whether somebody tried to leave a folder: a mistyped address has
// nothing of this, and is not worth a line in the journal.
func crooked(path string) bool {
	return strings.Contains(path, "..") || strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == '\\' })
}

func notThere() *fault.Error {
	return fault.Mend(fault.NotFound, "there is no such page", "use the menu")
}
