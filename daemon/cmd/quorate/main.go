// Command quorate is every program of a node in one file, so that the image and
// the machine's memory hold what they share once. It becomes the program whose
// name it is started by, as a link or as the first argument. Each keeps its own
// unit, user and rights. signin stays apart, because it alone loads C libraries.
package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"quorate.org/daemon/cmd/account"
	"quorate.org/daemon/cmd/callbridged"
	"quorate.org/daemon/cmd/certd"
	"quorate.org/daemon/cmd/confd"
	"quorate.org/daemon/cmd/console"
	"quorate.org/daemon/cmd/erase"
	"quorate.org/daemon/cmd/firewall"
	"quorate.org/daemon/cmd/mmp"
	"quorate.org/daemon/cmd/password"
	"quorate.org/daemon/cmd/provision"
	"quorate.org/daemon/cmd/upgrade"
	"quorate.org/daemon/cmd/webd"
	"quorate.org/daemon/cmd/xmppd"
)

var programs = map[string]func(){
	"account":     account.Main,
	"callbridged": callbridged.Main,
	"certd":       certd.Main,
	"confd":       confd.Main,
	"console":     console.Main,
	"erase":       erase.Main,
	"firewall":    firewall.Main,
	"mmp":         mmp.Main,
	"password":    password.Main,
	"provision":   provision.Main,
	"upgrade":     upgrade.Main,
	"webd":        webd.Main,
	"xmppd":       xmppd.Main,
}

func main() {
	start := named(os.Args[0])
	if start == nil && len(os.Args) > 1 {
		os.Args = os.Args[1:]
		start = named(os.Args[0])
	}
	if start == nil {
		fmt.Fprintln(os.Stderr, "usage: quorate <program> [argument…], or a link with the program's name:",
			strings.Join(slices.Sorted(maps.Keys(programs)), " "))
		os.Exit(2)
	}
	start()
}

// named finds the program that a command line asks for. login(1) and sshd(8) put
// a hyphen before the name of a login shell.
func named(arg string) func() { return programs[strings.TrimPrefix(filepath.Base(arg), "-")] }
