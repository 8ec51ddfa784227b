package netfilter

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/firewall"
)

// nftThat puts a script in nft's place.
func nftThat(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "nft"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
}

func TestWhatCanNotBeLoaded(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"no nftables", `echo "/dev/stdin:1:1-26: Error: Could not process rule: Operation not supported"; exit 1`, "this kernel filters no packets (nftables): "},
		{"no netlink", `echo "netlink: Error: cache initialization failed: Protocol not supported"; exit 1`, "this kernel filters no packets (nftables): "},
		{"a syntax error in a file", "cat >/dev/null; echo 'In file included from /dev/stdin:15:3-42:\nown.nft:1:2-3: Error: syntax error\ntcp dprt'; exit 1",
			"the rules can not be loaded: own.nft:1:2-3: Error: syntax error"},
		{"no word", "exit 3", "the rules can not be loaded: exit status 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			nftThat(t, c.script)
			var f *fault.Error
			if err := Load(t.Context(), firewall.Base()); !errors.As(err, &f) || f.Code != fault.Firewall || !strings.HasPrefix(f.Message, c.want) || f.Remedy == "" {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	t.Setenv("PATH", t.TempDir())
	if err := Load(t.Context(), firewall.Base()); fault.CodeOf(err) != fault.Firewall || !strings.Contains(err.Error(), "nft is not installed") {
		t.Errorf("without nft: %v", err)
	}
}

func TestState(t *testing.T) {
	ports := []firewall.Port{{Open: true}, {Open: true}, {}}
	if got, want := state(ports, true, nil), (bus.FirewallProperties{State: "in force", Text: "in force, 2 ports are open"}); got != want {
		t.Errorf("got %+v", got)
	}
	for inForce, want := range map[bool]string{true: "in force", false: "failed"} {
		if got, want := state(ports, inForce, errors.New("odd")), (bus.FirewallProperties{State: want, Code: "Internal", Text: "odd"}); got != want {
			t.Errorf("got %+v", got)
		}
	}
}
