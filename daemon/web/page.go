package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// page is one address of Web Admin.
type page struct {
	path, title string // "/configuration/general", "General"
	menu        string // heading it stands under: Status, Configuration, Certificates, Backups, Logs; empty: not in the menu

	// view returns what the template named after the path shows: that of
	// /configuration/general is templates/configuration-general.html. With an
	// error the page is shown all the same, the error on top; a *download is
	// sent as a file.
	view func(ctx context.Context, v *visit) (any, error)

	// act does what a form asks, administrators only; nil: the page takes no
	// POST. v.form["action"] names the button. done is the notice that the
	// page shows afterwards.
	act func(ctx context.Context, v *visit) (done string, err error)

	limit int64 // bytes of a POST; 0 means 64 KiB
}

// allPages are all pages of a signed-in person, in the order of the menu.
func (s *Server) allPages() []page {
	return []page{
		s.statusPage(),
		generalPage(),
		clusterPage(),
		xmppPage(),
		certificatesPage(),
		backupsPage(),
		logsPage(),
	}
}

// template is the file of the page's template.
func (p page) template() string {
	return strings.ReplaceAll(strings.TrimPrefix(p.path, "/"), "/", "-") + ".html"
}

// visit is one request of a signed-in person.
type visit struct {
	session *session
	request *http.Request
	form    url.Values        // of the query and, on POST, of the form
	uploads []upload          // the files of a multipart form, in its order
	wrong   map[string]string // by field of the form: what act found wrong with it; view shows it there
	own     *bus.Conn         // Web Admin's own connection, which is shown no secret and changes nothing
}

// upload is a file as the browser sent it; its name is the sender's word.
type upload struct {
	name    string
	content []byte
}

// download is a file that a page's view answers with.
type download struct {
	name    string // of the file; made harmless when it is sent
	kind    string // media type
	content []byte
}

// frame is what every template gets.
type frame struct {
	Title         string
	Path          string // of the page; a form posts to it
	Menu          []heading
	User, Role    string // empty when nobody is signed in
	Administrator bool   // may change things; operators see no buttons
	CSRF          string // each form carries it in the hidden field "csrf"
	Notice        string // what was just done
	Fault         *fault.Error
	Form          url.Values        // as typed, secrets excepted, when Fault is set
	Wrong         map[string]string // by field of Form: what is wrong with it
	Data          any               // what view returned
	Host, Domain  string            // of this node
	Version       string
	Fingerprint   string // SHA-256 of the self-made certificate; empty when another is in use
}

// heading is one heading of the menu with its pages.
type heading struct {
	Title   string
	Current bool
	Entries []entry
}

// entry is one page in the menu.
type entry struct {
	Title, Path string
	Current     bool
}

// menu returns the menu as it looks on the page at path.
func menu(all []page, path string) []heading {
	var out []heading
	for _, p := range all {
		if p.menu == "" {
			continue
		}
		if len(out) == 0 || out[len(out)-1].Title != p.menu {
			out = append(out, heading{Title: p.menu})
		}
		last, here := &out[len(out)-1], p.path == path
		last.Entries = append(last.Entries, entry{Title: p.title, Path: p.path, Current: here})
		last.Current = last.Current || here
	}
	return out
}

// typed returns the values of a form that may be shown again: what a person
// types blind is not among them.
func typed(form url.Values) url.Values {
	out := url.Values{}
	for name, values := range form {
		if !secretField(name) {
			out[name] = values
		}
	}
	return out
}

// secretField says whether a form's field holds something that never goes
// into a page or the journal.
func secretField(name string) bool {
	name = strings.ToLower(name)
	for _, part := range []string{"secret", "password", "passphrase", "confirm", "csrf"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}
