package netfilter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"quorate.org/daemon/fault"
)

// Load hands a ruleset to nft, which puts it in force as one transaction or not
// at all. An error is a *fault.Error or the end of ctx.
func Load(ctx context.Context, ruleset string) error {
	cmd := exec.CommandContext(ctx, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(ruleset)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return fault.Mend(fault.Firewall, "nft is not installed, so no rules can be loaded", "install the package nftables")
	}
	return explain(said.String(), err)
}

// explain puts nft's complaint in words. A kernel without nftables gives no
// netlink socket of that family, or takes no table.
func explain(said string, err error) *fault.Error {
	first := complaint(said)
	if first == "" {
		first = err.Error()
	}
	for _, absent := range []string{"Protocol not supported", "Operation not supported", "Unable to initialize Netlink socket"} {
		if strings.Contains(said, absent) {
			return fault.Mend(fault.Firewall, "this kernel filters no packets (nftables): "+first,
				"boot a kernel with nf_tables, or filter in front of this node")
		}
	}
	return fault.Mend(fault.Firewall, fmt.Sprintf("the rules can not be loaded: %s", first), "journalctl -u quorate-firewall")
}

// complaint is the first line that says what is wrong; a line before it may say
// only which file includes which.
func complaint(said string) (first string) {
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		if strings.Contains(line, "Error: ") {
			return line
		}
		if first == "" {
			first = line
		}
	}
	return first
}
