package web

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
	"quorate.org/daemon/settings"
)

// maxUpload bounds one form of uploads: a bundle of every public authority is
// about 250 KiB.
const maxUpload = 4 << 20

// certificatesPage is the certificate store of this node and the whole life of
// what is in it.
func certificatesPage() page {
	return page{path: "/certificates", title: "Certificates", menu: "Certificates", limit: maxUpload, view: viewCertificates, act: deeds{
		"upload":      uploadFiles,
		"csr":         makeRequest,
		"selfsigned":  selfSign,
		"import":      importArchive,
		"unlock":      unlockKey,
		"export":      exportPair,
		"remove":      meant(removeFile),
		"assign-xmpp": setXmppCertificates,
		"assign-web":  setWebCertificates,
		"trust":       setClusterTrust,
		"link-trust":  setBridgeTrust,
	}.act}
}

// certificateQuestions come before what can not be undone.
var certificateQuestions = map[string]question{
	"remove": {Text: "The file is deleted from this node. A private key that was not exported can not be brought back.",
		Button: "Remove the file", Field: "file"},
}

// certificates is what the page shows.
type certificates struct {
	List     answer[[]bus.Certificate]
	Services answer[[]bus.ServiceCheck]
	Values   answer[settings.Values]
	Ask      *question
	File     *answer[bus.Certificate] // one file in detail; nil unless asked for
	Match    *answer[string]          // what pki match says; nil unless asked
	Verify   *answer[string]          // what pki verify says; nil unless asked
	Query    map[string]string        // what those two were asked
}

// Keys are the private keys of the store.
func (c *certificates) Keys() []string { return filesOf(c.List.Value, "key") }

// Certificates are the files of the store that hold certificates.
func (c *certificates) Certificates() []string { return certificateFiles(c.List.Value) }

// Archives are the PKCS#12 files that wait for their passphrase.
func (c *certificates) Archives() []string {
	return c.withoutUse(func(f bus.Certificate) bool { return f.Kind == "pkcs12" && f.State == "waiting" })
}

// Locked are the encrypted keys that wait for their passphrase.
func (c *certificates) Locked() []string {
	return c.withoutUse(func(f bus.Certificate) bool { return f.Kind == "key" && f.State == "waiting" })
}

func (c *certificates) withoutUse(which func(bus.Certificate) bool) []string {
	var names []string
	for _, f := range c.List.Value {
		if which(f) {
			names = append(names, f.File)
		}
	}
	return names
}

// Public says whether a file may be downloaded: certificates and requests.
func (c *certificates) Public(f bus.Certificate) bool {
	return f.State == "ready" && slices.Contains([]string{"certificate", "bundle", "csr"}, f.Kind)
}

// KeyTypes are the keys that can be made, with what they are good for.
func (c *certificates) KeyTypes() []string {
	return []string{string(pki.P256), string(pki.P384), string(pki.RSA2048), string(pki.RSA3072), string(pki.RSA4096), string(pki.Ed25519)}
}

func viewCertificates(ctx context.Context, v *visit) (any, error) {
	query, conn := v.request.URL.Query(), v.session.bus
	if file := query.Get("download"); file != "" {
		return fetchPublic(ctx, conn, file)
	}
	c := &certificates{Ask: v.asked(certificateQuestions), Query: map[string]string{}}
	var wg sync.WaitGroup
	ask(ctx, &wg, &c.List, conn.Certificates().List)
	ask(ctx, &wg, &c.Services, conn.Certificates().Services)
	ask(ctx, &wg, &c.Values, func(ctx context.Context) (settings.Values, error) { return inForce(ctx, conn) })
	if file := query.Get("file"); file != "" && c.Ask == nil {
		c.File = &answer[bus.Certificate]{}
		ask(ctx, &wg, c.File, func(ctx context.Context) (bus.Certificate, error) { return conn.Certificates().Inspect(ctx, file) })
	}
	c.examine(ctx, &wg, conn, query.Get)
	wg.Wait()
	return c, nil
}

// examine asks what the two small forms of the page ask: whether a pair
// matches, whether a chain holds.
func (c *certificates) examine(ctx context.Context, wg *sync.WaitGroup, conn *bus.Conn, query func(string) string) {
	for _, name := range []string{"match-key", "match-certificate", "verify-certificate", "verify-bundle", "verify-domain"} {
		c.Query[name] = strings.TrimSpace(query(name))
	}
	if key, cert := c.Query["match-key"], c.Query["match-certificate"]; key != "" && cert != "" {
		c.Match = &answer[string]{}
		ask(ctx, wg, c.Match, func(ctx context.Context) (string, error) {
			return "key and certificate pair match: " + key + ", " + cert, conn.Certificates().Match(ctx, key, cert)
		})
	}
	if cert, bundle := c.Query["verify-certificate"], c.Query["verify-bundle"]; cert != "" && bundle != "" {
		c.Verify = &answer[string]{}
		ask(ctx, wg, c.Verify, func(ctx context.Context) (string, error) {
			return cert + " is verified by " + bundle, conn.Certificates().Verify(ctx, cert, bundle, c.Query["verify-domain"])
		})
	}
}

// fetchPublic sends a certificate or a request as PEM. The service never gives
// a key out this way.
func fetchPublic(ctx context.Context, conn *bus.Conn, file string) (any, error) {
	pem, err := conn.Certificates().Get(ctx, file)
	if err != nil {
		return nil, err
	}
	return &download{name: file, kind: "application/x-pem-file", content: pem}, nil
}

// uploadFiles hands each file to the certificate service, which says what
// became of it. One that is refused does not hold up the others.
func uploadFiles(ctx context.Context, v *visit) (string, error) {
	if len(v.uploads) == 0 {
		v.blame("files", "choose at least one file")
		return "", v.refusal()
	}
	if v.text("as") != "" && len(v.uploads) > 1 {
		v.blame("as", "only one file at a time can be given another name")
		return "", v.refusal()
	}
	var good, bad []string
	for _, u := range v.uploads {
		line, ok := v.take(ctx, u)
		if ok {
			good = append(good, line)
		} else {
			bad = append(bad, line)
		}
	}
	if len(bad) > 0 {
		v.blame("files", strings.Join(bad, "\n"))
		return "", fault.New(fault.InvalidArgument, strings.Join(append(bad, good...), "\n"))
	}
	return strings.Join(good, "\n"), nil
}

// take uploads one file and says what became of it. A PKCS#12 file that waits
// for its passphrase is well.
func (v *visit) take(ctx context.Context, u upload) (line string, ok bool) {
	name := path.Base(strings.ReplaceAll(u.name, `\`, "/"))
	if as := v.text("as"); as != "" {
		name = as
	}
	if err := pki.CheckName(name); err != nil {
		return fmt.Sprintf("%s: refused: %v", name, err), false
	}
	c, err := v.session.bus.Certificates().Upload(ctx, name, u.content)
	switch {
	case err != nil:
		return fmt.Sprintf("%s: refused: %v", name, err), false
	case c.Reason != "":
		return fmt.Sprintf("%s: %s: %s", name, c.State, c.Reason), c.State == "ready" || c.State == "waiting"
	}
	return fmt.Sprintf("%s: %s", name, c.State), c.State == "ready" || c.State == "waiting"
}

// attributeFields are the fields of the request form and the attributes of
// `pki csr` they stand for, in its order.
var attributeFields = []struct{ field, attribute string }{
	{"cn", "CN"}, {"ou", "OU"}, {"o", "O"}, {"l", "L"}, {"st", "ST"}, {"c", "C"},
	{"email", "emailAddress"}, {"names", "subjectAltName"}, {"key-type", "key"},
}

// attributes reads the request form; each attribute is judged at its own field.
func (v *visit) attributes() (base string, attrs []string) {
	base = v.text("base")
	if err := pki.CheckBase(base); err != nil {
		v.blame("base", asFault(err).Error())
	}
	for _, a := range attributeFields {
		value := v.text(a.field)
		if a.field == "names" {
			value = strings.Join(strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(", \r\n\t", r) }), ",")
		}
		if value == "" {
			continue
		}
		attr := a.attribute + ":" + value
		if _, err := pki.ParseAttributes([]string{attr}); err != nil {
			v.blame(a.field, asFault(err).Error())
		}
		attrs = append(attrs, attr)
	}
	return base, attrs
}

func makeRequest(ctx context.Context, v *visit) (string, error) {
	base, attrs := v.attributes()
	v.required("cn", "give the common name: the XMPP domain, or the name of the host")
	if err := v.refusal(); err != nil {
		return "", err
	}
	files, err := v.session.bus.Certificates().CSR(ctx, base, attrs)
	if err != nil {
		return "", v.about("base", err)
	}
	return "created " + strings.Join(files, " and ") + "; download the request below and have it signed", nil
}

func selfSign(ctx context.Context, v *visit) (string, error) {
	base, attrs := v.attributes()
	if err := v.refusal(); err != nil {
		return "", err
	}
	files, err := v.session.bus.Certificates().SelfSigned(ctx, base, attrs)
	if err != nil {
		return "", v.about("base", err)
	}
	return "created " + strings.Join(files, " and ") + ", self-signed: not for production", nil
}

func importArchive(ctx context.Context, v *visit) (string, error) {
	file := v.required("archive", "choose the PKCS#12 file; upload it first")
	if err := v.refusal(); err != nil {
		return "", err
	}
	files, err := v.session.bus.Certificates().Import(ctx, file, v.form.Get("import-passphrase"))
	if err != nil {
		return "", v.about("import-passphrase", err)
	}
	return "imported " + strings.Join(files, ", "), nil
}

func unlockKey(ctx context.Context, v *visit) (string, error) {
	file := v.required("locked", "choose the encrypted key; upload it first")
	if err := v.refusal(); err != nil {
		return "", err
	}
	if err := v.session.bus.Certificates().Unlock(ctx, file, v.form.Get("unlock-passphrase")); err != nil {
		return "", v.about("unlock-passphrase", err)
	}
	return file + " unlocked and taken into the store", nil
}

func exportPair(ctx context.Context, v *visit) (string, error) {
	key := v.required("export", "choose the private key")
	passphrase := v.newSecret("export-passphrase", "confirm-export-passphrase")
	if err := v.refusal(); err != nil {
		return "", err
	}
	base, _ := pki.Split(key)
	file, err := v.session.bus.Certificates().Export(ctx, base, passphrase)
	if err != nil {
		return "", v.about("export-passphrase", err)
	}
	return file + " is ready for download by SFTP", nil
}

func removeFile(ctx context.Context, v *visit) (string, error) {
	file := v.text("file")
	if err := v.session.bus.Certificates().Remove(ctx, file); err != nil {
		return "", err
	}
	return file + " removed", nil
}
