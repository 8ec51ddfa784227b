package shell

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

type testCertificates struct{ *testNode }

func (c testCertificates) List(context.Context) ([]bus.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.files), nil
}

func (c testCertificates) CSR(_ context.Context, _ bus.Caller, base string, attrs []string) ([]string, error) {
	return []string{base + ".key", base + ".csr"}, c.act("csr "+base+" "+strings.Join(attrs, "|"), nothing)
}

func (c testCertificates) SelfSigned(_ context.Context, _ bus.Caller, base string, attrs []string) ([]string, error) {
	return []string{base + ".key", base + ".cer"}, c.act("selfsigned "+base+" "+strings.Join(attrs, "|"), nothing)
}

func (c testCertificates) Inspect(_ context.Context, file string) (bus.Certificate, error) {
	if file == "nothing.cer" {
		return bus.Certificate{}, fault.Mend(fault.NotFound, "there is no file nothing.cer", "pki list")
	}
	if file == "bundle.cer" {
		return bus.Certificate{File: file, Kind: "bundle", State: "ready", Chain: []string{
			"1: certificate CN=meet.example, until 2027-11-20, issued by 2", "2: root CN=Lab CA, until 2027-11-20, issued by itself"}}, nil
	}
	return bus.Certificate{File: file, Kind: "certificate", State: "ready"}, nil
}

func (c testCertificates) Match(_ context.Context, key, cert string) error {
	if strings.TrimSuffix(key, ".key") != strings.TrimSuffix(cert, ".cer") {
		return fault.New(fault.KeyMismatch, key+" does not belong to "+cert)
	}
	return nil
}

func (c testCertificates) Verify(context.Context, string, string, string) error { return nil }

func (c testCertificates) Import(_ context.Context, _ bus.Caller, file, passphrase string) ([]string, error) {
	return []string{"xmpp.key", "xmpp.cer"}, c.act("import "+file+" "+passphrase, nothing)
}

func (c testCertificates) Export(_ context.Context, _ bus.Caller, base, passphrase string) (string, error) {
	return base + ".p12", c.act("export "+base+" "+passphrase, nothing)
}

func (c testCertificates) Remove(_ context.Context, _ bus.Caller, file string) error {
	return c.act("remove "+file, nothing)
}

func (c testCertificates) Check(_ context.Context, key, cert, bundle, domain string) ([]string, error) {
	if err := c.Match(context.Background(), key, cert); err != nil {
		return nil, err
	}
	return nil, c.act(fmt.Sprintf("check %s %s %q %q", key, cert, bundle, domain), nothing)
}

func (c testCertificates) CheckTrust(_ context.Context, file string) ([]string, error) {
	return []string{file + " is a leaf"}, nil
}

func (c testCertificates) Get(context.Context, string) ([]byte, error) { return nil, nil }

func (c testCertificates) Unlock(_ context.Context, _ bus.Caller, file, passphrase string) error {
	if passphrase == "wrong" {
		return fault.Mend(fault.InvalidArgument, "the passphrase does not open the private key, nothing was changed", "give the other one")
	}
	return c.act("unlock "+file+" "+passphrase, nothing)
}
func (c testCertificates) Upload(_ context.Context, _ bus.Caller, name string, content []byte) (bus.Certificate, error) {
	return bus.Certificate{File: name, State: "ready"}, nil
}
func (c testCertificates) Services(context.Context) ([]bus.ServiceCheck, error) {
	list := []bus.ServiceCheck{{Service: "xmpp", OK: true, Text: "nothing breaks"}}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.files {
		if f.DaysLeft < 0 {
			list = append(list, bus.ServiceCheck{Service: "cluster", File: f.File, Code: string(fault.Expired), Days: f.DaysLeft,
				Text: "cb2 will refuse this node: " + f.File + " has expired", Remedy: "upload a renewed one"})
		}
	}
	return list, nil
}
func (c testCertificates) OpenKey(context.Context, bus.Caller, string) (*os.File, error) {
	return nil, fault.New(fault.NotPermitted, "keys are for services")
}

func (c testCertificates) Scan(context.Context) error { return nil }

func (c testCertificates) Save(context.Context, bus.Caller) ([]byte, error) { return nil, nil }
func (c testCertificates) Restore(context.Context, bus.Caller, []byte, bool) ([]bus.Step, error) {
	return nil, nil
}
func (c testCertificates) Clear(context.Context, bus.Caller) error { return nil }
