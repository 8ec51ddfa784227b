package labtest

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
)

// Site is Web Admin of a node, signed in to as a browser does it: with cookies,
// forms and their tokens, and a certificate that was compared.
type Site struct {
	t      *testing.T
	node   *lab.Node
	client http.Client
}

// Web signs user in to Web Admin of a local node. The certificate must be the
// one whose fingerprint `webadmin` shows.
func Web(t *testing.T, n *lab.Node, user string) *Site {
	t.Helper()
	shown := fingerprint(t, n)
	jar, err := cookiejar.New(nil)
	fatal(t, err)
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return n.Lab().Dial(ctx, network, n.Addr()+":445")
		},
		TLSClientConfig: &tls.Config{
			InsecureSkipVerify: true, // VerifyConnection compares
			VerifyConnection:   func(s tls.ConnectionState) error { return compare(s, shown) },
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	s := &Site{t: t, node: n, client: http.Client{Jar: jar, Transport: transport, Timeout: 15 * time.Second}}
	page := s.Post("/signin", url.Values{"user": {user}, "password": {lab.Password}})
	if strings.Contains(page, `name="password"`) {
		t.Fatalf("%s can not sign in to %s: %s", user, n.Name(), Plain(page))
	}
	return s
}

// fingerprint is that of the certificate, as `webadmin` shows it.
func fingerprint(t *testing.T, n *lab.Node) string {
	t.Helper()
	out, err := n.Exec(t.Context(), "webadmin --json")
	fatal(t, err)
	var web struct{ Fingerprint string }
	fatal(t, json.Unmarshal([]byte(out), &web))
	if web.Fingerprint == "" {
		t.Fatalf("webadmin shows no fingerprint: %s", out)
	}
	return strings.ToLower(strings.ReplaceAll(web.Fingerprint, ":", ""))
}

func compare(s tls.ConnectionState, want string) error {
	sum := sha256.Sum256(s.PeerCertificates[0].Raw)
	if got := hex.EncodeToString(sum[:]); got != want {
		return fmt.Errorf("the certificate is %s, webadmin shows %s", got, want)
	}
	return nil
}

// Get returns the HTML of a page.
func (s *Site) Get(path string) string {
	s.t.Helper()
	answer, err := s.client.Get(s.node.WebURL() + path)
	return s.read(path, answer, err)
}

// token is the hidden field that each form carries.
var token = regexp.MustCompile(`name="csrf" value="([^"]*)"`)

// Post loads a page, sends its form with these values and the page's token,
// and returns the HTML of what follows.
func (s *Site) Post(path string, values url.Values) string {
	s.t.Helper()
	if found := token.FindStringSubmatch(s.Get(path)); found != nil {
		values.Set("csrf", html.UnescapeString(found[1]))
	}
	answer, err := s.client.PostForm(s.node.WebURL()+path, values)
	return s.read(path, answer, err)
}

func (s *Site) read(path string, answer *http.Response, err error) string {
	s.t.Helper()
	fatal(s.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	fatal(s.t, err)
	if answer.StatusCode != http.StatusOK {
		s.t.Fatalf("%s of %s answers %s: %s", path, s.node.Name(), answer.Status, Plain(string(body)))
	}
	return string(body)
}

// Section returns what a page says, as Plain does, from the heading with this
// id to the end of its section.
func Section(page, id string) string {
	_, rest, _ := strings.Cut(page, `id="`+id+`">`)
	part, _, _ := strings.Cut(rest, "</section>")
	return Plain(part)
}

var tag = regexp.MustCompile(`<[^>]*>`)

// Plain is the text of HTML, its white space made single blanks.
func Plain(page string) string {
	return strings.Join(strings.Fields(html.UnescapeString(tag.ReplaceAllString(page, " "))), " ")
}
