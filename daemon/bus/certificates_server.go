package bus

import (
	"context"
	"os"
)

// CertificatesServer is what the certificate service implements. A returned
// *fault.Error reaches the caller whole. Methods run concurrently.
type CertificatesServer interface {
	List(ctx context.Context) ([]Certificate, error)
	CSR(ctx context.Context, who Caller, base string, attrs []string) (files []string, err error)
	SelfSigned(ctx context.Context, who Caller, base string, attrs []string) (files []string, err error)
	Inspect(ctx context.Context, file string) (Certificate, error)
	Match(ctx context.Context, key, cert string) error
	Verify(ctx context.Context, cert, bundle, domain string) error
	Import(ctx context.Context, who Caller, file, passphrase string) (files []string, err error)
	Export(ctx context.Context, who Caller, base, passphrase string) (file string, err error)
	Remove(ctx context.Context, who Caller, file string) error
	Check(ctx context.Context, key, cert, bundle, domain string) (warnings []string, err error)
	CheckTrust(ctx context.Context, file string) (warnings []string, err error)
	Get(ctx context.Context, file string) (pem []byte, err error)
	OpenKey(ctx context.Context, who Caller, file string) (*os.File, error) // closed for the implementation once sent
	Scan(ctx context.Context) error
	Unlock(ctx context.Context, who Caller, file, passphrase string) error
	Upload(ctx context.Context, who Caller, name string, content []byte) (Certificate, error)
	Services(ctx context.Context) ([]ServiceCheck, error)
	Save(ctx context.Context, who Caller) ([]byte, error)
	Restore(ctx context.Context, who Caller, data []byte, apply bool) ([]Step, error)
	Clear(ctx context.Context, who Caller) error
}

// CertificatesObject is the exported org.quorate.Certificates1.
type CertificatesObject struct{ *object }

// ServeCertificates exports impl as org.quorate.Certificates1 and takes the
// name. audit may be nil.
func (c *Conn) ServeCertificates(impl CertificatesServer, audit func(Change)) (*CertificatesObject, error) {
	o, err := c.serve(certService, certificatesHandlers(impl), struct{}{}, audit)
	if err != nil {
		return nil, err
	}
	return &CertificatesObject{o}, nil
}

// Changed signals that files of the store changed.
func (o *CertificatesObject) Changed(files []string) error {
	if files == nil {
		files = []string{}
	}
	return o.emit("Changed", files)
}

func certificatesHandlers(s CertificatesServer) map[string]handler {
	return map[string]handler{
		"List": func(c *incoming) ([]any, error) { return answerList(s.List(c.ctx)) },
		"CSR":  func(c *incoming) ([]any, error) { return answerStrings(s.CSR(c.ctx, c.caller, c.str(0), c.strs(1))) },
		"SelfSigned": func(c *incoming) ([]any, error) {
			return answerStrings(s.SelfSigned(c.ctx, c.caller, c.str(0), c.strs(1)))
		},
		"Inspect": func(c *incoming) ([]any, error) { return answerStruct(s.Inspect(c.ctx, c.str(0))) },
		"Match":   func(c *incoming) ([]any, error) { return done(s.Match(c.ctx, c.str(0), c.str(1))) },
		"Verify":  func(c *incoming) ([]any, error) { return done(s.Verify(c.ctx, c.str(0), c.str(1), c.str(2))) },
		"Import":  func(c *incoming) ([]any, error) { return answerStrings(s.Import(c.ctx, c.caller, c.str(0), c.str(1))) },
		"Export":  func(c *incoming) ([]any, error) { return answer(s.Export(c.ctx, c.caller, c.str(0), c.str(1))) },
		"Remove":  func(c *incoming) ([]any, error) { return done(s.Remove(c.ctx, c.caller, c.str(0))) },
		"Check": func(c *incoming) ([]any, error) {
			return answerStrings(s.Check(c.ctx, c.str(0), c.str(1), c.str(2), c.str(3)))
		},
		"CheckTrust": func(c *incoming) ([]any, error) { return answerStrings(s.CheckTrust(c.ctx, c.str(0))) },
		"Get":        func(c *incoming) ([]any, error) { return answer(s.Get(c.ctx, c.str(0))) },
		"OpenKey":    func(c *incoming) ([]any, error) { return answerFile(s.OpenKey(c.ctx, c.caller, c.str(0))) },
		"Unlock":     func(c *incoming) ([]any, error) { return done(s.Unlock(c.ctx, c.caller, c.str(0), c.str(1))) },
		"Upload":     func(c *incoming) ([]any, error) { return answerStruct(s.Upload(c.ctx, c.caller, c.str(0), c.bytes(1))) },
		"Services":   func(c *incoming) ([]any, error) { return answerList(s.Services(c.ctx)) },
		"Scan":       func(c *incoming) ([]any, error) { return done(s.Scan(c.ctx)) },
		"Save":       func(c *incoming) ([]any, error) { return answerSealed(s.Save(c.ctx, c.caller)) },
		"Restore":    restoring(s.Restore),
		"Clear":      func(c *incoming) ([]any, error) { return done(s.Clear(c.ctx, c.caller)) },
	}
}
