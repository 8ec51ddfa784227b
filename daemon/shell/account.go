package shell

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"quorate.org/daemon/account"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/shell/grammar"
	"quorate.org/daemon/shell/layout"
)

// accountCommands is user …, passwd and ssh-key …: the people who work here.
// Those who call are xmpp user …
func accountCommands() []command {
	name := grammar.Arg{Name: "user"}
	mine := grammar.Arg{Name: "user", Optional: true}
	return []command{
		{grammar.Command{
			Words: "user list", Also: []string{"user"}, Shows: true,
			Help: "List the accounts of the people who work on this node",
			Long: "Accounts of people who call are another thing: xmpp user list",
		}, peopleList},
		{grammar.Command{
			Words: "user info", Shows: true, Args: []grammar.Arg{name},
			Help: "Show an account and its SSH keys",
		}, personInfo},
		{grammar.Command{
			Words: "user add", Role: grammar.Admin,
			Args:  []grammar.Arg{name, {Name: "role", Kind: grammar.Choice, Choices: []string{account.Admin, account.Operator}}},
			Flags: []grammar.Flag{{Name: "keys-only", Help: "no password: it is opened by an SSH key"}},
			Help:  "Create an account for SSH, the console and Web Admin; asks for its password",
			Long:  "An operator reads, an admin changes. ssh-key add gives the account a key.",
		}, personAdd},
		{grammar.Command{
			Words: "user del", Role: grammar.Admin, Args: []grammar.Arg{name}, Flags: []grammar.Flag{yes},
			Help: "Remove an account with its keys and files, and end its sessions",
		}, personRemove},
		{grammar.Command{
			Words: "user expire", Role: grammar.Admin, Args: []grammar.Arg{name, {Name: "day"}},
			Help: "Set the day on which an account ends, or never",
			Long: "For example: user expire guest 2027-03-31. Sessions go on; user evict ends them.\n" +
				"An administrator whose account never ends and who can sign in stays.",
		}, func(ctx context.Context, s *Shell, c grammar.Call) error {
			return s.person(ctx, account.Request{Act: account.Expire, Name: c.Arg(0), Until: c.Arg(1)}, "account %s ends: "+c.Arg(1))
		}},
		{grammar.Command{
			Words: "user evict", Role: grammar.Admin, Args: []grammar.Arg{name},
			Help: "End the sessions of an account at once: SSH, the console and Web Admin",
		}, func(ctx context.Context, s *Shell, c grammar.Call) error {
			return s.person(ctx, account.Request{Act: account.Evict, Name: c.Arg(0)}, "the sessions of %s are ended")
		}},
		{grammar.Command{
			Words: "user unlock", Role: grammar.Admin, Args: []grammar.Arg{name},
			Help: "Let an account sign in again that was locked for wrong passwords",
		}, func(ctx context.Context, s *Shell, c grammar.Call) error {
			return s.person(ctx, account.Request{Act: account.Unlock, Name: c.Arg(0)}, "%s may sign in again")
		}},
		{grammar.Command{
			Words: "passwd", Args: []grammar.Arg{mine},
			Help: "Set your own password; an administrator sets another's",
			Long: "For your own, the current one is asked for first. Who is signed in to Web Admin by the old one is signed out.",
		}, passwd},
		{grammar.Command{
			Words: "ssh-key list", Also: []string{"ssh-key"}, Shows: true, Args: []grammar.Arg{mine},
			Help: "List the SSH keys that open the accounts, or one of them",
		}, keyList},
		{grammar.Command{
			Words: "ssh-key add", Role: grammar.Admin, Args: []grammar.Arg{name, {Name: "type"}, {Name: "key"}, {Name: "comment", Optional: true, Many: true}},
			Help: "Let an SSH key open an account",
			Long: "Paste the line of the public key's file behind the name: ssh-key add admin ssh-ed25519 AAAAC3… me@example.com\n" +
				"Ed25519, ECDSA and RSA from 3072 bits on are taken.",
		}, keyAdd},
		{grammar.Command{
			Words: "ssh-key remove", Role: grammar.Admin, Args: []grammar.Arg{name, {Name: "fingerprint"}},
			Help: "Take an SSH key from an account; ssh-key list shows the fingerprint",
			Long: "The last key or password that lets an administrator in stays.",
		}, func(ctx context.Context, s *Shell, c grammar.Call) error {
			return s.person(ctx, account.Request{Act: account.RemoveKey, Name: c.Arg(0), Key: c.Arg(1)}, "the key opens %s no more")
		}},
	}
}

// person asks for an act on an account and says that it is done.
func (s *Shell) person(ctx context.Context, r account.Request, done string) error {
	name, _, err := account.Do(ctx, s.accounts(), r)
	if err != nil {
		return err
	}
	s.success(done, name)
	return nil
}

func (s *Shell) accounts() string { return cmp.Or(s.cfg.Accounts, account.Socket) }

// people returns all accounts, or the one of a name.
func (s *Shell) people(ctx context.Context, name string) ([]account.Account, error) {
	_, all, err := account.Do(ctx, s.accounts(), account.Request{Act: account.List})
	if err != nil || name == "" {
		return all, err
	}
	for _, a := range all {
		if a.Name == name {
			return []account.Account{a}, nil
		}
	}
	return nil, fault.Mend(fault.NotFound, fmt.Sprintf("there is no account %q", name), "user list")
}

func peopleList(ctx context.Context, s *Shell, c grammar.Call) error {
	all, err := s.people(ctx, "")
	if err != nil {
		return err
	}
	return s.show(c, all, layout.Accounts(all))
}

func personInfo(ctx context.Context, s *Shell, c grammar.Call) error {
	one, err := s.people(ctx, c.Arg(0))
	if err != nil {
		return err
	}
	return s.show(c, one[0], layout.Accounts(one)+layout.Keys(one))
}

func personAdd(ctx context.Context, s *Shell, c grammar.Call) error {
	r := account.Request{Act: account.Add, Name: c.Arg(0), Role: c.Arg(1)}
	if !c.Flags["keys-only"] {
		var err error
		if r.Password, err = s.newSecret("Enter password"); err != nil {
			return err
		}
	}
	return s.person(ctx, r, "account %s added, role "+r.Role)
}

func personRemove(ctx context.Context, s *Shell, c grammar.Call) error {
	if err := s.confirm(c, "The account "+c.Arg(0)+" will be removed with its files. Are you sure?"); err != nil {
		return err
	}
	return s.person(ctx, account.Request{Act: account.Remove, Name: c.Arg(0)}, "account %s removed")
}

func passwd(ctx context.Context, s *Shell, c grammar.Call) error {
	me, all, err := account.Do(ctx, s.accounts(), account.Request{Act: account.List})
	if err != nil {
		return err
	}
	r := account.Request{Act: account.Passwd, Name: cmp.Or(c.Arg(0), me)}
	if r.Name == me && slices.ContainsFunc(all, func(a account.Account) bool { return a.Name == me && a.Password }) {
		if r.Current, err = s.secret("Enter current password"); err != nil {
			return err
		}
	}
	if r.Password, err = s.newSecret("Enter new password"); err != nil {
		return err
	}
	return s.person(ctx, r, "password of %s set")
}

func keyList(ctx context.Context, s *Shell, c grammar.Call) error {
	list, err := s.people(ctx, c.Arg(0))
	if err != nil {
		return err
	}
	return s.show(c, list, layout.Keys(list))
}

func keyAdd(ctx context.Context, s *Shell, c grammar.Call) error {
	return s.person(ctx, account.Request{Act: account.AddKey, Name: c.Arg(0), Key: strings.Join(c.Args[1:], " ")}, "the key opens %s")
}
