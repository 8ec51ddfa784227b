package shell

import (
	"context"
	"slices"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/shell/grammar"
)

// pkiCheckCommands are those of a certificate's later life.
func pkiCheckCommands() []command {
	return []command{
		{grammar.Command{
			Words: "pki check", Shows: true,
			Help: "Say for each service what its certificates will break, and when",
			Long: "Looks at XMPP, the cluster, Web Admin and the Call Bridge: whether the key matches, the certificate names the domain,\n" +
				"the chain is complete, the peers accept it, and when each certificate on the way ends. Exits with 1 when anything is wrong.",
		}, pkiCheck},
		{grammar.Command{
			Words: "pki unlock", Role: grammar.Admin, Args: []grammar.Arg{{Name: "key", Kind: grammar.Key}},
			Help: "Take an encrypted private key in; asks for its passphrase",
			Long: "The key was uploaded and is listed as waiting. It may be encrypted with AES: by PKCS#8, or as OpenSSL did before.",
		}, pkiUnlock},
	}
}

func pkiCheck(ctx context.Context, s *Shell, c grammar.Call) error {
	list, err := s.conn.Certificates().Services(ctx)
	if err != nil {
		return err
	}
	if c.Flags[grammar.JSON] {
		err = s.json(list)
	} else {
		s.checks(list)
	}
	if err == nil && slices.ContainsFunc(list, func(c bus.ServiceCheck) bool { return !c.OK }) {
		return errSaid
	}
	return err
}

// checks prints a line for each finding, by service.
func (s *Shell) checks(list []bus.ServiceCheck) {
	for _, c := range list {
		if c.OK {
			s.success("%s: %s", c.Service, c.Text)
		} else {
			s.failure(c.Service+": "+c.Text, c.Remedy)
		}
	}
}

func pkiUnlock(ctx context.Context, s *Shell, c grammar.Call) error {
	passphrase, err := s.secret("Enter passphrase")
	if err != nil {
		return err
	}
	if err := s.conn.Certificates().Unlock(ctx, c.Arg(0), passphrase); err != nil {
		return err
	}
	s.success("%s is unlocked and stored", c.Arg(0))
	return nil
}
