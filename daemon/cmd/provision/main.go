// Package provision sets this node up from what its machine was given: system
// credentials and, on VMware, guestinfo variables; with --disk, the files of the
// disk mounted there. It always ends well: a node starts whatever it was given.
package provision

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/password"
	"quorate.org/daemon/provision"
)

// Main is the whole program.
func Main() {
	disk := flag.String("disk", "", "folder where the disk QUORATE is mounted")
	flag.Parse()
	log := journal.New("provision", slog.LevelInfo)
	ctx := context.Background()
	items := read(ctx, log, *disk)
	plan, faults := provision.Parse(items)
	n := provision.Node{
		Root: "/", State: "/var/lib/quorate/provision", Password: password.System(), Hash: password.StoreHash,
		Applied: func(ctx context.Context, key, where string) {
			log.InfoContext(ctx, fmt.Sprintf("%s was taken from %s and is in %s", key, source(items, key), where),
				"key", key, "source", source(items, key), journal.ID(journal.Provisioned))
		},
		Failed: func(_ context.Context, key string, err error) {
			faults = append(faults, fault.New(fault.CodeOf(err), fmt.Sprintf("%s from %s could not be applied: %v", key, source(items, key), err)))
		},
	}
	n.Apply(ctx, plan)
	for _, f := range faults {
		log.WarnContext(ctx, f.Error(), "code", string(f.Code), journal.ID(journal.ProvisionRefused))
	}
	if err := provision.Report(provision.ReportPath, faults); err != nil {
		log.ErrorContext(ctx, err.Error())
	}
}

// read collects the items of the sources asked for.
func read(ctx context.Context, log *slog.Logger, disk string) []provision.Item {
	if disk != "" {
		items, err := provision.Disk(disk)
		complain(log, err)
		return items
	}
	items, err := provision.Credentials(os.Getenv("CREDENTIALS_DIRECTORY"))
	complain(log, err)
	if provision.OnVMware() {
		for _, ask := range []func(context.Context, provision.Query) ([]provision.Item, error){provision.GuestInfo, provision.OVFEnvironment} {
			more, err := ask(ctx, provision.RPCTool)
			complain(log, err)
			items = append(items, more...)
		}
	}
	line, err := os.ReadFile("/proc/cmdline")
	complain(log, err)
	return append(items, provision.CommandLine(string(line))...)
}

func complain(log *slog.Logger, err error) {
	if err != nil {
		log.Error(err.Error())
	}
}

// source is where the value of a key came from.
func source(items []provision.Item, key string) string {
	if i := slices.IndexFunc(items, func(i provision.Item) bool { return i.Key == key }); i >= 0 {
		return items[i].Source
	}
	return "what the machine was given"
}
