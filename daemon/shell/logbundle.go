package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"quorate.org/daemon/shell/bundle"
	"quorate.org/daemon/shell/grammar"
)

const (
	bundleDays    = 7                // of the journal
	bundleJournal = 50 << 20         // bytes of it, before compression
	bundleOutput  = 1 << 20          // bytes of one command
	bundleWait    = 30 * time.Second // for one command
	bundlesKept   = 3                // in the exchange folder
)

// bundled are the commands of this shell a bundle holds, each in a file of its
// name. They run with the eyes of an operator, who sees no secrets.
var bundled = []string{
	"version", "status", "health",
	"xmpp status", "xmpp cluster status", "xmpp callbridge list", "xmpp callbridge check",
	"callbridge", "webadmin", "firewall", "pki list", "pki check", "config show", "dns", "dns check",
}

// bundledPrograms are those of the system, by file.
var bundledPrograms = []struct {
	file string
	argv []string
}{
	{"systemctl-status", []string{"systemctl", "status", "--no-pager", "--full", "--lines=20", "quorate*"}},
	{"systemctl-failed", []string{"systemctl", "--no-pager", "--failed"}},
	{"timedatectl", []string{"timedatectl", "--no-pager"}},
	{"ip-address", []string{"ip", "address"}},
	{"ip-route", []string{"ip", "route"}},
	{"ip6-route", []string{"ip", "-6", "route"}},
	{"df", []string{"df", "-h"}},
	{"free", []string{"free", "-m"}},
	{"uname", []string{"uname", "-a"}},
	{"os-release", []string{"cat", "/etc/os-release"}},
}

// logBundleCommands is logbundle
func logBundleCommands() []command {
	return []command{{grammar.Command{
		Words: "logbundle", Role: grammar.Admin,
		Help: "Collect the log and the state of this node in one file, to be fetched by SFTP",
		Long: "Holds the journal of the last 7 days, what the commands that show things print, and the state of the system.\n" +
			"Secrets are masked and private keys are not in it; the names of accounts, hosts and certificates are.\n" +
			"The newest three bundles are kept; older ones are removed.",
	}, logBundle}}
}

func logBundle(ctx context.Context, s *Shell, _ grammar.Call) error {
	now := time.Now().UTC()
	base := fmt.Sprintf("logbundle-%s-%s", fileName(s.cfg.Hostname), now.Format("20060102T150405Z"))
	secrets, unknown := s.secrets(ctx)
	size, err := bundle.Deposit(base+".tar.gz", func(w io.Writer) error {
		a := bundle.NewArchive(w, base, now)
		c := collection{s: s, archive: a, redactor: bundle.NewRedactor(secrets)}
		return errors.Join(c.collect(ctx, now, unknown), a.Close())
	})
	if err != nil {
		return err
	}
	removed, err := bundle.Prune(bundlesKept)
	if err != nil {
		s.warning("older log bundles could not be removed: "+err.Error(), "delete them by SFTP")
	}
	for _, name := range removed {
		s.say("removed " + name + "\n")
	}
	s.success("%s is ready for download by SFTP (%s)", base+".tar.gz", bundle.Size(size))
	return nil
}

// fileName makes a part of a file name of any text.
func fileName(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, text)
}
