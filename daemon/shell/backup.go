package shell

import (
	"context"
	"os"
	"strings"

	"quorate.org/daemon/backup"
	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/shell/grammar"
	"quorate.org/daemon/shell/layout"
)

// backupCommands are backup and factory_reset.
func backupCommands() []command {
	return []command{
		{grammar.Command{
			Words: "backup snapshot", Role: grammar.Admin, Args: []grammar.Arg{{Name: "name"}},
			Help: "Put all that this node keeps in one file; asks for a passphrase",
			Long: "Holds settings, certificates with their private keys, the identity in the cluster, call bridges and accounts. The file\n" +
				"is put in the exchange folder, to be fetched by SFTP; without the passphrase nobody can use it.",
		}, backupSnapshot},
		{grammar.Command{
			Words: "backup list", Also: []string{"backup"}, Shows: true,
			Help: "List the backups in the exchange folder",
		}, backupList},
		{grammar.Command{
			Words: "backup rollback", Role: grammar.Admin,
			Args:  []grammar.Arg{{Name: "name"}, {Name: "part", Kind: grammar.Choice, Choices: backup.Parts, Optional: true, Many: true}},
			Flags: []grammar.Flag{{Name: "preview", Help: "say what would change, and change nothing"}, yes},
			Help:  "Restore a backup, or some of its parts; asks for its passphrase",
			Long: "Says what changes before it asks. Without a part all of them are restored. The node of a cluster comes back as itself and\n" +
				"without a vote until it has caught up; the node that the backup is of must not run elsewhere. What a cluster decides on,\n" +
				"call bridges and accounts, stays the cluster's.",
		}, backupRollback},
		{grammar.Command{
			Words: "backup recovery_key", Role: grammar.Admin,
			Help: "Show the key that opens the encrypted disk when the TPM does not",
			Long: "Where the machine had a TPM 2.0 when it was first switched on, its disk is encrypted and the TPM opens it. The console asks\n" +
				"for this key when the disk is in another machine, the TPM is lost, or secure boot was changed. Keep it where the node is not.",
		}, recoveryKey},
		{grammar.Command{
			Words: "factory_reset", Role: grammar.Admin,
			Args:  []grammar.Arg{{Name: "scope", Kind: grammar.Choice, Choices: []string{"app", "full"}}},
			Flags: []grammar.Flag{yes, {Name: "force", Help: "reset also when the node can not leave its cluster, and do not ask"}},
			Help:  "Remove settings, certificates, keys and XMPP data from this node",
			Long: "A member leaves its cluster first. The exchange folder is emptied and the history of your prompt removed. With app the\n" +
				"accounts of administrators, the host name, the network and the journal stay. With full the node restarts and removes them\n" +
				"too: it comes up as it was first switched on, and takes what its virtual machine is provisioned with. The part of the disk\n" +
				"that is the node's own is overwritten; of an encrypted one its keys are, without which nothing of it can be read.",
		}, factoryReset},
	}
}

func backupSnapshot(ctx context.Context, s *Shell, c grammar.Call) error {
	passphrase, err := s.newSecret("Enter passphrase")
	if err != nil {
		return err
	}
	file, err := s.conn.Config().BackupSnapshot(ctx, c.Arg(0), passphrase)
	if err != nil {
		return err
	}
	s.success("%s is ready for download by SFTP", file)
	return nil
}

func backupList(ctx context.Context, s *Shell, c grammar.Call) error {
	list, err := s.conn.Config().Backups(ctx)
	if err != nil {
		return err
	}
	return s.show(c, list, layout.Backups(list))
}

func backupRollback(ctx context.Context, s *Shell, c grammar.Call) error {
	passphrase, err := s.secret("Enter passphrase")
	if err != nil {
		return err
	}
	name, parts := c.Arg(0), c.Args[1:]
	changes, err := s.conn.Config().BackupRollback(ctx, name, passphrase, parts, false)
	if err != nil {
		return err
	}
	s.say(preview(changes))
	if c.Flags["preview"] {
		return nil
	}
	if err := s.confirm(c, "What is said above will be changed. Are you sure?"); err != nil {
		return err
	}
	if _, err := s.conn.Config().BackupRollback(ctx, name, passphrase, parts, true); err != nil {
		return err
	}
	s.success("%s is restored", strings.TrimSuffix(name, backup.Suffix))
	return nil
}

func recoveryKey(ctx context.Context, s *Shell, _ grammar.Call) error {
	key, err := s.conn.Config().RecoveryKey(ctx)
	if err != nil {
		return err
	}
	s.say(key + "\n")
	return nil
}

// preview is a line for each part.
func preview(changes []bus.Step) string {
	var fields []layout.Field
	for _, c := range changes {
		value := c.Text
		if !c.OK {
			value = "not restored: " + value
		}
		fields = append(fields, layout.Field{Label: c.Name, Value: value})
	}
	return layout.Block(0, fields)
}

func factoryReset(ctx context.Context, s *Shell, c grammar.Call) error {
	question := "Settings, certificates, private keys and XMPP data of this node will be gone for good. Are you sure?"
	if c.Arg(0) == "full" {
		question = "All of this node will be gone for good, your account with it, and the node restarts. Are you sure?"
	}
	if err := s.confirm(c, question); err != nil {
		return err
	}
	steps, err := s.conn.Config().FactoryReset(ctx, c.Arg(0), c.Flags["force"])
	if err != nil {
		return err
	}
	for _, step := range steps {
		if step.OK {
			s.success("%s", step.Text)
		} else {
			s.warning(step.Text, step.Remedy)
		}
	}
	if err := os.Remove(historyPath()); err != nil && !os.IsNotExist(err) {
		return fault.Mend(fault.Internal, "the history of your prompt stays: "+err.Error(), "remove ~/.mmp_history")
	}
	return nil
}
