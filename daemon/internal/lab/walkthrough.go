package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Variant says how the nodes' certificates are made.
type Variant int

const (
	// Shared is one certificate for all nodes, carried in a PKCS#12 file.
	Shared Variant = iota
	// Three is a certificate for each node, and trust in the bundle of the three.
	Three
)

func (v Variant) String() string {
	return [...]string{"one shared certificate", "three certificates"}[v]
}

const passphrase = "correct horse battery"

// Walkthrough plays the acceptance walkthrough: it types each line over SSH in
// the order a person is told to, moves files by SFTP, and says what it types
// and what comes back. It ends with the first line that is refused.
func (l *Lab) Walkthrough(ctx context.Context, v Variant) error {
	w := &walk{lab: l, sessions: map[string]*Session{}, secrets: map[string]string{}}
	defer w.close()
	certificates := w.sharedCertificate
	if v == Three {
		certificates = w.threeCertificates
	}
	steps := []func(context.Context) error{certificates, w.first}
	for _, n := range l.Members()[1:] {
		steps = append(steps, func(ctx context.Context) error { return w.join(ctx, n, l.nodes[0]) })
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return fmt.Errorf("playing the walkthrough: %w", err)
		}
	}
	for _, n := range l.Members() {
		if _, err := w.typed(ctx, n, "xmpp cluster status"); err != nil {
			return fmt.Errorf("playing the walkthrough: %w", err)
		}
	}
	return nil
}

// walk is one run of the walkthrough.
type walk struct {
	lab      *Lab
	sessions map[string]*Session
	secrets  map[string]string // of the call bridges, as printed
	trust    string            // file given to `xmpp cluster trust`
}

func (w *walk) close() {
	for _, s := range w.sessions {
		s.Close()
	}
}

// typed types one line at the node's prompt. A FAILURE line, an unknown
// command or a lost session is an error.
func (w *walk) typed(ctx context.Context, n *Node, line string, answers ...Answer) (string, error) {
	s := w.sessions[n.name]
	if s == nil {
		var err error
		if s, err = n.Session(ctx); err != nil {
			return "", err
		}
		w.sessions[n.name] = s
	}
	out, err := s.Type(ctx, line, answers...)
	w.lab.say("%s> %s", n.name, line)
	if out != "" {
		w.lab.say("%s", out)
	}
	if err != nil {
		return out, err
	}
	if strings.Contains(out, "FAILURE") || strings.Contains(out, "Unknown command") {
		return out, fmt.Errorf("%s> %s: %s", n.name, line, out)
	}
	return out, nil
}

// all types several lines in order.
func (w *walk) all(ctx context.Context, n *Node, lines ...string) error {
	for _, line := range lines {
		if _, err := w.typed(ctx, n, line); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) put(ctx context.Context, n *Node, name string, data []byte) error {
	w.lab.say("sftp> put %s → %s", name, n.name)
	return n.Put(ctx, name, data)
}

func (w *walk) get(ctx context.Context, n *Node, name string) ([]byte, error) {
	w.lab.say("sftp> get %s ← %s", name, n.name)
	return n.Get(ctx, name)
}

// request makes a request on the node, has it signed, and uploads certificate
// and CA.
func (w *walk) request(ctx context.Context, n *Node, san string) (cert []byte, err error) {
	if _, err := w.typed(ctx, n, fmt.Sprintf("pki csr xmpp CN:%s subjectAltName:%s", Domain, san)); err != nil {
		return nil, err
	}
	csr, err := w.get(ctx, n, "xmpp.csr")
	if err != nil {
		return nil, err
	}
	if cert, err = w.lab.CA.Sign(csr); err != nil {
		return nil, err
	}
	w.lab.say("(the CA signs xmpp.csr of %s)", n.name)
	if err := w.put(ctx, n, "xmpp.cer", cert); err != nil {
		return nil, err
	}
	return cert, w.put(ctx, n, "ca.cer", w.lab.CA.PEM())
}

// sharedCertificate makes one key pair on the first node and carries it to the
// others as PKCS#12.
func (w *walk) sharedCertificate(ctx context.Context) error {
	first := w.lab.nodes[0]
	var names []string
	for _, n := range w.lab.Members() {
		names = append(names, n.name+"."+Domain)
	}
	if _, err := w.request(ctx, first, strings.Join(names, ",")); err != nil {
		return err
	}
	w.trust = "xmpp.cer"
	if _, err := w.typed(ctx, first, "pki export xmpp", passphraseTwice...); err != nil {
		return err
	}
	p12, err := w.get(ctx, first, "xmpp.p12")
	if err != nil {
		return err
	}
	if err := os.WriteFile(w.lab.p12(), p12, 0o600); err != nil {
		return fmt.Errorf("keeping the export: %w", err)
	}
	for _, n := range w.lab.Members()[1:] {
		if err := w.importShared(ctx, n, p12); err != nil {
			return err
		}
	}
	return nil
}

// importShared takes the shared key and certificate in on another node.
func (w *walk) importShared(ctx context.Context, n *Node, p12 []byte) error {
	if err := w.put(ctx, n, "ca.cer", w.lab.CA.PEM()); err != nil {
		return err
	}
	if err := w.put(ctx, n, "xmpp.p12", p12); err != nil {
		return err
	}
	_, err := w.typed(ctx, n, "pki import xmpp.p12", passphraseTwice[0])
	return err
}

// passphraseTwice answers a passphrase prompt and its repetition.
var passphraseTwice = []Answer{{"assphrase", passphrase}, {"assphrase", passphrase}}

// threeCertificates makes a key pair on each node and gives all nodes the
// bundle of the certificates to trust.
func (w *walk) threeCertificates(ctx context.Context) error {
	var bundle []byte
	for _, n := range w.lab.Members() {
		cert, err := w.request(ctx, n, n.name+"."+Domain)
		if err != nil {
			return err
		}
		bundle = append(bundle, cert...)
	}
	w.trust = "trust.pem"
	for _, n := range w.lab.Members() {
		if err := w.put(ctx, n, w.trust, bundle); err != nil {
			return err
		}
	}
	return nil
}

// node is what is typed on every node before it enters the cluster.
func (w *walk) node(ctx context.Context, n *Node) error {
	return w.all(ctx, n, "xmpp domain "+Domain, "xmpp listen a", "xmpp certs xmpp.key xmpp.cer ca.cer", "xmpp cluster trust "+w.trust)
}

// p12 is where the lab keeps the export of the shared certificate.
func (l *Lab) p12() string { return filepath.Join(l.cfg.Dir, "xmpp.p12") }

// Furnish gives a new node the shared certificate, as the walkthrough does.
func (l *Lab) Furnish(ctx context.Context, n *Node) error {
	p12, err := os.ReadFile(l.p12())
	if err != nil {
		return fmt.Errorf("reading the export of the shared certificate: %w", err)
	}
	w := &walk{lab: l, sessions: map[string]*Session{}}
	defer w.close()
	return w.importShared(ctx, n, p12)
}

// Join types what brings a node with the shared certificate into the cluster
// through a member: the walkthrough's lines for the second and third node.
func (l *Lab) Join(ctx context.Context, n, through *Node) error {
	secrets, err := through.Secrets(ctx)
	if err != nil {
		return err
	}
	w := &walk{lab: l, sessions: map[string]*Session{}, secrets: secrets, trust: "xmpp.cer"}
	defer w.close()
	return w.join(ctx, n, through)
}

// printedSecret is a generated secret: 19 letters and digits.
var printedSecret = regexp.MustCompile(`\b[A-Za-z0-9]{19}\b`)

// first makes the first node the cluster.
func (w *walk) first(ctx context.Context) error {
	n := w.lab.nodes[0]
	if _, err := w.typed(ctx, n, "pki list"); err != nil {
		return err
	}
	if err := w.node(ctx, n); err != nil {
		return err
	}
	for _, peer := range w.lab.Members() {
		out, err := w.typed(ctx, n, "xmpp callbridge add "+peer.name)
		if err != nil {
			return err
		}
		if w.secrets[peer.name] = printedSecret.FindString(out); w.secrets[peer.name] == "" {
			return fmt.Errorf("xmpp callbridge add %s printed no secret: %s", peer.name, out)
		}
	}
	return w.all(ctx, n, "xmpp callbridge list", "xmpp disable", "xmpp cluster enable", "xmpp cluster initialize", "xmpp enable")
}

// join brings another node in through a member.
func (w *walk) join(ctx context.Context, n, through *Node) error {
	if err := w.node(ctx, n); err != nil {
		return err
	}
	first := w.lab.nodes[0].name
	if _, err := w.typed(ctx, n, "xmpp callbridge add-secret "+first, Answer{"Enter callbridge secret", w.secrets[first]}); err != nil {
		return err
	}
	return w.all(ctx, n, "xmpp disable", "xmpp cluster enable", "xmpp enable", "xmpp cluster join "+through.name+"."+Domain)
}
