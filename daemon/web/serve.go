package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
)

// handler is the whole of Web Admin. Addresses are compared as they came:
// nothing is cleaned, redirected or looked up in a file system.
func (s *Server) handler() http.Handler {
	at := map[string]http.HandlerFunc{
		"/":              s.serveRoot,
		"/signin":        s.serveSignIn,
		"/signout":       s.serveSignOut,
		"/status/live":   s.listening(s.liveStatus),
		"/logs/live":     s.listening(s.liveLog),
		"/logs/download": s.signedIn(s.downloadLog),
	}
	for _, p := range s.pages {
		at[p.path] = s.servePage(p)
	}
	return s.guarded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := at[r.URL.Path]; h != nil {
			h(w, r)
			return
		}
		s.serveAsset(w, r)
	}))
}

func (s *Server) serveRoot(w http.ResponseWriter, r *http.Request) {
	if s.method(w, r, http.MethodGet, http.MethodHead) {
		redirect(w, "/status")
	}
}

// redirect sends the browser to a page of this node with a GET (RFC 9110
// §15.4.4).
func redirect(w http.ResponseWriter, path string) {
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
}

// session returns the request's session, nil when nobody is signed in.
func (s *Server) session(r *http.Request) *session {
	return s.sessions.find(cookieOf(r), time.Now(), s.idle())
}

// signedIn sends everybody else to the sign-in page, and back from there.
func (s *Server) signedIn(next func(http.ResponseWriter, *http.Request, *session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		found := s.session(r)
		if found == nil {
			redirect(w, "/signin?next="+url.QueryEscape(r.URL.Path))
			return
		}
		next(w, r, found)
	}
}

// servePage serves one page: GET shows it, POST does what its form asks.
func (s *Server) servePage(p page) http.HandlerFunc {
	allowed := []string{http.MethodGet, http.MethodHead}
	if p.act != nil {
		allowed = append(allowed, http.MethodPost)
	}
	return s.signedIn(func(w http.ResponseWriter, r *http.Request, who *session) {
		if !s.method(w, r, allowed...) {
			return
		}
		if !r.URL.Query().Has("auto") { // a page without script that loads itself anew is nobody's doing
			who.touch(time.Now())
		}
		v := &visit{session: who, request: r, own: s.conn}
		if r.Method == http.MethodPost {
			s.post(w, p, v)
			return
		}
		if v.form = r.URL.Query(); !legible(v.form) {
			s.refuse(w, r, http.StatusBadRequest, asFault(errNoForm))
			return
		}
		s.show(w, p, v, http.StatusOK, nil)
	})
}

// post checks a form and does what it asks.
func (s *Server) post(w http.ResponseWriter, p page, v *visit) {
	r := v.request
	if err := v.read(w, p.limit); err != nil {
		s.refuse(w, r, statusOf(err), asFault(err))
		return
	}
	if !v.session.trusts(v.form.Get("csrf")) {
		s.refuse(w, r, http.StatusForbidden, fault.Mend(fault.NotPermitted, "the form does not belong to this sign-in", "load the page again"))
		return
	}
	if !v.session.administrator() {
		err := fault.Mend(fault.NotPermitted, "this is for administrators", "sign in as a member of quorate-admin")
		s.audit(p, v, err)
		s.fail(w, r, http.StatusForbidden, err)
		return
	}
	done, err := p.act(r.Context(), v)
	s.audit(p, v, err)
	if err != nil {
		s.show(w, p, v, statusOf(err), asFault(err))
		return
	}
	v.session.say(done)
	redirect(w, p.path)
}

// show draws the page, with why the form was refused on top. What was typed is
// kept then, secrets excepted.
func (s *Server) show(w http.ResponseWriter, p page, v *visit, code int, refused *fault.Error) {
	f := s.frame(v.session, p.path, p.title)
	if refused == nil {
		f.Notice = v.session.said()
	}
	data, err := any(nil), error(nil)
	if p.view != nil {
		data, err = p.view(v.request.Context(), v)
	}
	if file, ok := data.(*download); ok && err == nil && refused == nil {
		send(w, file)
		return
	}
	f.Data, f.Fault, f.Wrong = data, refused, v.wrong
	if refused != nil {
		f.Form = typed(v.form)
	} else if err != nil {
		f.Fault, code = asFault(err), statusOf(err)
		if code < http.StatusInternalServerError { // somebody asked for a file that is not given out
			s.tellRefused(v.request, f.Fault)
		}
	}
	s.draw(w, v.request, p.template(), f, code)
}

// draw sends a page. A template that breaks is a fault of this program.
func (s *Server) draw(w http.ResponseWriter, r *http.Request, file string, f *frame, code int) {
	body, err := s.looks.draw(file, "layout.html", f)
	if err != nil {
		s.log.Error("a page broke: "+err.Error(), "page", f.Path)
		http.Error(w, broken().Message, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(code)
	_, _ = w.Write(body) // a browser that has gone needs no page
}

// fail sends a page that says why there is none.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, code int, why *fault.Error) {
	f := s.frame(s.session(r), r.URL.Path, http.StatusText(code))
	f.Fault = why
	s.draw(w, r, "error.html", f, code)
}

// frame is the part of a page that does not depend on it. who may be nil.
func (s *Server) frame(who *session, path, title string) *frame {
	f := &frame{Title: title, Path: path, Host: s.cfg.Hostname(), Domain: s.facts.Load().domain,
		Version: s.cfg.Version, Fingerprint: s.identity.fingerprint()}
	if who != nil {
		f.Menu, f.User, f.Role = menu(s.pages, path), who.user, who.role.String()
		f.Administrator, f.CSRF = who.administrator(), who.csrf
	}
	return f
}

// send sends a file for the browser to keep.
func send(w http.ResponseWriter, file *download) {
	kind := file.kind
	if kind == "" {
		kind = "application/octet-stream"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": harmless(file.name)}))
	w.Header().Set("Content-Length", strconv.Itoa(len(file.content)))
	_, _ = w.Write(file.content) // a browser that has gone needs no file
}

// harmless makes a file name of any text: letters, digits and "._-", no dot in
// front.
func harmless(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return '_'
	}, name[:min(len(name), 128)])
	if name = strings.TrimLeft(name, "."); name == "" {
		return "download"
	}
	return name
}

// Limits of a form.
const (
	formBytes  = 64 << 10
	formFields = 200
	fieldBytes = 16 << 10 // of a form with files; the files have the rest
	formFiles  = 8
	formTime   = 10 * time.Second // to send a form without files
)

// read takes the form of a POST, at most limit bytes of it. One without files
// is sent at once, so it has formTime; then the server's limit is in force
// again, and when it did not come, the end of its time stays and the rest of it
// is not waited for. That a limit can not be set leaves the one before.
func (v *visit) read(w http.ResponseWriter, limit int64) error {
	if limit != 0 {
		return v.readForm(w, limit)
	}
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(formTime))
	err := v.readForm(w, formBytes)
	if err == nil {
		_ = c.SetReadDeadline(time.Now().Add(readTime))
	}
	return err
}

func (v *visit) readForm(w http.ResponseWriter, limit int64) error {
	r := v.request
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && kind == "application/x-www-form-urlencoded":
		err = r.ParseForm()
		v.form = r.Form
	case err == nil && kind == "multipart/form-data":
		err = v.readParts()
	default:
		return errNoForm
	}
	if err == nil && (len(v.form) > formFields || !legible(v.form)) {
		return errNoForm
	}
	return err
}

// legible says whether all of a form is text that the bus carries (D-Bus
// specification, "Basic types": UTF-8 without NUL). The bus ends a connection,
// and the session with it, that sends anything else.
func legible(form url.Values) bool {
	for name, values := range form {
		for _, text := range append(values, name) {
			if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
				return false
			}
		}
	}
	return true
}

var errNoForm error = fault.New(fault.InvalidArgument, "what was sent is no form of this page")

// readParts reads a form with files, which stay in memory: nothing a stranger
// sends is put on the disk before it is checked.
func (v *visit) readParts() error {
	parts, err := v.request.MultipartReader()
	if err != nil {
		return errNoForm
	}
	v.form = v.request.URL.Query()
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return unreadable(err)
		}
		if n >= formFields || len(v.uploads) > formFiles {
			return errNoForm
		}
		body, err := io.ReadAll(part) // bounded by MaxBytesReader
		if err != nil {
			return unreadable(err)
		}
		switch name := part.FormName(); {
		case part.FileName() != "":
			v.uploads = append(v.uploads, upload{name: part.FileName(), content: body})
		case len(body) > fieldBytes:
			return errNoForm
		case name != "" && !isFile(part.Header.Get("Content-Disposition")):
			v.form[name] = append(v.form[name], string(body))
		}
	}
}

// isFile says whether a part is a file input, which browsers send with an
// empty name when nothing was chosen.
func isFile(disposition string) bool {
	_, params, err := mime.ParseMediaType(disposition)
	_, file := params["filename"]
	return err == nil && file
}

// unreadable keeps the one error that has a status of its own.
func unreadable(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return err
	}
	return errNoForm
}

// statusOf is the HTTP status of a refusal.
func statusOf(err error) int {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded): // RFC 9110 §15.5.9
		return http.StatusRequestTimeout
	case err == errNoForm: // not errors.Is, which a fault answers by its code
		return http.StatusBadRequest
	}
	switch fault.CodeOf(asFault(err)) {
	case fault.NotPermitted:
		return http.StatusForbidden
	case fault.Unavailable, fault.NoQuorum:
		return http.StatusServiceUnavailable
	case fault.Timeout:
		return http.StatusGatewayTimeout
	case fault.Internal:
		return http.StatusInternalServerError
	}
	return http.StatusUnprocessableEntity
}

// audit journals who asked for what, and how it ended. What the form held is
// the services' to journal, who know which of it is secret.
func (s *Server) audit(p page, v *visit, err error) {
	action := printable(v.form.Get("action"), 40)
	attrs := []slog.Attr{
		slog.String("caller", v.session.user), slog.String("caller_from", v.session.from),
		slog.String("interface", "Web Admin "+p.path), slog.String("method", action),
	}
	what := fmt.Sprintf("%s from %s: Web Admin %s %s", v.session.user, v.session.from, p.path, action)
	ctx := context.WithoutCancel(v.request.Context())
	if err != nil {
		attrs = append(attrs, slog.String("fault", string(asFault(err).Code)), journal.ID(journal.ChangeRefused))
		s.log.LogAttrs(ctx, slog.LevelWarn, what+" refused: "+asFault(err).Message, attrs...)
		return
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, what, append(attrs, journal.ID(journal.ChangeMade))...)
}
