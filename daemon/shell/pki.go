package shell

import (
	"context"
	"strings"

	"quorate.org/daemon/shell/grammar"
	"quorate.org/daemon/shell/layout"
)

const attributes = "Attributes are CN:, OU:, O:, L:, ST:, C:, emailAddress: and subjectAltName:, the last with a list of names and addresses\n" +
	"divided by commas. The CN is put among the names. C is a country's code of two letters. Attributes with spaces are quoted.\n" +
	"key:p256, p384, ed25519, rsa3072 or rsa4096 makes another key than RSA 2048; a key of that name is used again."

func pkiCommands() []command {
	base := grammar.Arg{Name: "name"}
	attrs := grammar.Arg{Name: "attribute:value", Many: true}
	return []command{
		{grammar.Command{
			Words: "pki list", Also: []string{"pki"}, Shows: true,
			Help: "List keys, requests and certificates",
			Long: "Shows the store and the exchange folder: what is ready, and why anything else is not.",
		}, pkiList},
		{grammar.Command{
			Words: "pki csr", Role: grammar.Admin, Args: []grammar.Arg{base, attrs},
			Help: "Make a key and a certificate signing request",
			Long: attributes,
		}, pkiCSR},
		{grammar.Command{
			Words: "pki selfsigned", Role: grammar.Admin,
			Args: []grammar.Arg{base, {Name: attrs.Name, Many: true, Optional: true}},
			Help: "Make a key and a self-signed certificate, not for production",
			Long: attributes,
		}, pkiSelfSigned},
		{grammar.Command{
			Words: "pki inspect", Shows: true, Args: []grammar.Arg{{Name: "file", Kind: grammar.File}},
			Help: "Describe a file and the chain of its certificates",
		}, pkiInspect},
		{grammar.Command{
			Words: "pki match",
			Args:  []grammar.Arg{{Name: "key", Kind: grammar.Key}, {Name: "certificate", Kind: grammar.Cert}},
			Help:  "Check that a key and a certificate belong together",
		}, pkiMatch},
		{grammar.Command{
			Words: "pki verify",
			Args: []grammar.Arg{
				{Name: "certificate", Kind: grammar.Cert},
				{Name: "bundle", Kind: grammar.Cert},
				{Name: "CA or domain", Kind: grammar.Domain, Optional: true},
			},
			Help: "Check the chain and the validity of a certificate, and that it leads to a CA or names a domain",
		}, pkiVerify},
		{grammar.Command{
			Words: "pki import", Role: grammar.Admin, Args: []grammar.Arg{{Name: "file", Kind: grammar.File}},
			Help: "Take a PKCS#12 file in; asks for its passphrase",
		}, pkiImport},
		{grammar.Command{
			Words: "pki export", Role: grammar.Admin, Args: []grammar.Arg{{Name: "name", Kind: grammar.Key}},
			Help: "Write key and certificates to a PKCS#12 file; asks for a passphrase",
			Long: "The file is put in the exchange folder, to be fetched by SFTP.",
		}, pkiExport},
		{grammar.Command{
			Words: "pki remove", Role: grammar.Admin, Args: []grammar.Arg{{Name: "file", Kind: grammar.File}},
			Help: "Remove a file that is not in use",
		}, pkiRemove},
	}
}

func pkiList(ctx context.Context, s *Shell, c grammar.Call) error {
	files, err := s.conn.Certificates().List(ctx)
	if err != nil {
		return err
	}
	return s.show(c, files, layout.Certificates(files))
}

func pkiCSR(ctx context.Context, s *Shell, c grammar.Call) error {
	files, err := s.conn.Certificates().CSR(ctx, c.Arg(0), c.Args[1:])
	if err != nil {
		return err
	}
	s.success("created %s; fetch the request by SFTP and have it signed", strings.Join(files, " and "))
	return nil
}

func pkiSelfSigned(ctx context.Context, s *Shell, c grammar.Call) error {
	files, err := s.conn.Certificates().SelfSigned(ctx, c.Arg(0), c.Args[1:])
	if err != nil {
		return err
	}
	s.success("created %s, not for production", strings.Join(files, " and "))
	return nil
}

func pkiInspect(ctx context.Context, s *Shell, c grammar.Call) error {
	file, err := s.conn.Certificates().Inspect(ctx, c.Arg(0))
	if err != nil {
		return err
	}
	return s.show(c, file, layout.Certificate(file))
}

func pkiMatch(ctx context.Context, s *Shell, c grammar.Call) error {
	if err := s.conn.Certificates().Match(ctx, c.Arg(0), c.Arg(1)); err != nil {
		return err
	}
	s.success("Key and certificate pair match")
	return nil
}

func pkiVerify(ctx context.Context, s *Shell, c grammar.Call) error {
	if err := s.conn.Certificates().Verify(ctx, c.Arg(0), c.Arg(1), c.Arg(2)); err != nil {
		return err
	}
	s.success("%s is verified by %s", c.Arg(0), c.Arg(1))
	return nil
}

func pkiImport(ctx context.Context, s *Shell, c grammar.Call) error {
	passphrase, err := s.secret("Enter passphrase")
	if err != nil {
		return err
	}
	files, err := s.conn.Certificates().Import(ctx, c.Arg(0), passphrase)
	if err != nil {
		return err
	}
	s.success("imported %s", strings.Join(files, ", "))
	return nil
}

func pkiExport(ctx context.Context, s *Shell, c grammar.Call) error {
	base := strings.TrimSuffix(c.Arg(0), ".key")
	passphrase, err := s.newSecret("Enter passphrase")
	if err != nil {
		return err
	}
	file, err := s.conn.Certificates().Export(ctx, base, passphrase)
	if err != nil {
		return err
	}
	s.success("%s is ready for download by SFTP", file)
	return nil
}

func pkiRemove(ctx context.Context, s *Shell, c grammar.Call) error {
	if err := s.conn.Certificates().Remove(ctx, c.Arg(0)); err != nil {
		return err
	}
	s.success("%s removed", c.Arg(0))
	return nil
}
