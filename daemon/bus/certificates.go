package bus

import (
	"context"
	"os"

	"github.com/godbus/dbus/v5"
)

// Certificates calls org.quorate.Certificates1. Every method's error is a
// *fault.Error or the end of the caller's context.
type Certificates struct{ keeper }

// Certificates returns the client of the certificate service; it makes no call.
func (c *Conn) Certificates() *Certificates { return &Certificates{keeper{client{c, certService}}} }

// List returns every file of the store and the exchange folder.
func (c *Certificates) List(ctx context.Context) ([]Certificate, error) {
	return getList[Certificate](ctx, c.client, quick, "List")
}

// CSR makes a key and a signing request, and returns the names of both files.
// attrs are "CN:…", "subjectAltName:…" and so on.
func (c *Certificates) CSR(ctx context.Context, base string, attrs []string) (files []string, err error) {
	return get[[]string](ctx, c.client, work, "CSR", base, attrs)
}

// SelfSigned makes a key and a self-signed certificate, and returns the files.
func (c *Certificates) SelfSigned(ctx context.Context, base string, attrs []string) (files []string, err error) {
	return get[[]string](ctx, c.client, work, "SelfSigned", base, attrs)
}

// Inspect describes one file.
func (c *Certificates) Inspect(ctx context.Context, file string) (Certificate, error) {
	return getStruct[Certificate](ctx, c.client, quick, "Inspect", file)
}

// Match checks that a key and a certificate belong together.
func (c *Certificates) Match(ctx context.Context, key, cert string) error {
	return c.do(ctx, quick, "Match", key, cert)
}

// Verify checks the chain of a certificate by a bundle, and its validity for
// domain unless that is "".
func (c *Certificates) Verify(ctx context.Context, cert, bundle, domain string) error {
	return c.do(ctx, quick, "Verify", cert, bundle, domain)
}

// Import takes a PKCS#12 file in and returns the files it became.
func (c *Certificates) Import(ctx context.Context, file, passphrase string) (files []string, err error) {
	return get[[]string](ctx, c.client, work, "Import", file, passphrase)
}

// Export writes key and certificates as PKCS#12 to the exchange folder.
func (c *Certificates) Export(ctx context.Context, base, passphrase string) (file string, err error) {
	return get[string](ctx, c.client, work, "Export", base, passphrase)
}

// Remove deletes a file that is not in use.
func (c *Certificates) Remove(ctx context.Context, file string) error {
	return c.do(ctx, quick, "Remove", file)
}

// Check says whether key, certificate and bundle can serve domain, with
// warnings that do not forbid it.
func (c *Certificates) Check(ctx context.Context, key, cert, bundle, domain string) (warnings []string, err error) {
	return get[[]string](ctx, c.client, quick, "Check", key, cert, bundle, domain)
}

// CheckTrust says whether a file can be `xmpp cluster trust`, with warnings.
func (c *Certificates) CheckTrust(ctx context.Context, file string) (warnings []string, err error) {
	return get[[]string](ctx, c.client, quick, "CheckTrust", file)
}

// Get returns the certificates of a file as PEM, never a key.
func (c *Certificates) Get(ctx context.Context, file string) (pem []byte, err error) {
	return get[[]byte](ctx, c.client, quick, "Get", file)
}

// OpenKey returns a read-only descriptor of a key in PEM, for services only.
// The caller closes it.
func (c *Certificates) OpenKey(ctx context.Context, file string) (*os.File, error) {
	fd, err := get[dbus.UnixFD](ctx, c.client, quick, "OpenKey", file)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), file), nil
}

// Scan looks at the exchange folder now.
func (c *Certificates) Scan(ctx context.Context) error { return c.do(ctx, work, "Scan") }

// Unlock takes in a private key that lies encrypted in the exchange folder.
func (c *Certificates) Unlock(ctx context.Context, file, passphrase string) error {
	return c.do(ctx, work, "Unlock", file, passphrase)
}

// Upload puts a file into the exchange folder and takes it in; it returns the
// file's line of the list, whose state and reason say how that went.
func (c *Certificates) Upload(ctx context.Context, name string, content []byte) (Certificate, error) {
	return getStruct[Certificate](ctx, c.client, work, "Upload", name, content)
}

// Services says for each service that uses certificates what will break and when.
func (c *Certificates) Services(ctx context.Context) ([]ServiceCheck, error) {
	return getList[ServiceCheck](ctx, c.client, quick, "Services")
}

// Clear removes every file of the store and of the exchange folder.
func (c *Certificates) Clear(ctx context.Context) error { return c.do(ctx, work, "Clear") }

// Watch ticks whenever files changed or the service came or went.
func (c *Certificates) Watch(ctx context.Context) (<-chan struct{}, error) { return c.watch(ctx) }
