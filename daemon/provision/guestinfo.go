package provision

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// rpcTool is open-vm-tools' way to the host.
const rpcTool = "/usr/bin/vmware-rpctool"

// asking bounds one question to the host.
const asking = 5 * time.Second

// OnVMware says whether the machine is one of VMware's, by the vendor that DMI
// names, and open-vm-tools are there.
func OnVMware() bool {
	vendor, err := os.ReadFile("/sys/class/dmi/id/sys_vendor")
	if err != nil || !strings.HasPrefix(string(vendor), "VMware") {
		return false
	}
	_, err = os.Stat(rpcTool)
	return err == nil
}

// Query returns the value of a guestinfo variable, empty when it has none.
type Query func(ctx context.Context, variable string) (string, error)

// RPCTool is the Query of a machine of VMware's.
func RPCTool(ctx context.Context, variable string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	out, err := exec.CommandContext(ctx, rpcTool, "info-get "+variable).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil {
		return "", nil // a variable without a value is a failure there
	}
	if err != nil {
		return "", fmt.Errorf("asking VMware for %s: %w", variable, err)
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}

// GuestInfo reads the variables guestinfo.quorate.<key>. One whose companion
// <key>.encoding is base64 is decoded, which is how a value of several lines
// gets through. An error comes with what could be read.
func GuestInfo(ctx context.Context, query Query) ([]Item, error) {
	var items []Item
	for _, key := range Keys {
		variable := "guestinfo." + prefix + key
		value, err := query(ctx, variable)
		if err != nil {
			return items, err
		}
		if value == "" {
			continue
		}
		encoding, err := query(ctx, variable+".encoding")
		if err != nil {
			return items, err
		}
		items = append(items, decoded(Item{Key: key, Value: value, Source: "VMware's " + variable}, encoding))
	}
	return items, nil
}

// decoded leaves a value that is not what its encoding says as it is: it will be
// told of as wrong, unless it is right as it stands.
func decoded(i Item, encoding string) Item {
	if e := strings.ToLower(strings.TrimSpace(encoding)); e != "base64" && e != "b64" {
		return i
	}
	text, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(i.Value), ""))
	if err != nil {
		i.Source += ", which is said to be base64 and is not,"
		return i
	}
	i.Value = string(text)
	return i
}
