package foreign

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/ovf"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/types"
)

// built returns a file of what scripts/image made.
func built(name string) string {
	dir := os.Getenv("QUORATE_IMAGE")
	if dir == "" {
		dir = "../../../../.build/image"
	}
	return filepath.Join(dir, name)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// descriptor returns the OVF in the OVA.
func descriptor(t *testing.T) []byte {
	t.Helper()
	f, err := os.Open(built("quorate.ova"))
	must(t, err)
	defer f.Close()
	archive := tar.NewReader(f)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			t.Fatal("there is no descriptor in the OVA")
		}
		must(t, err)
		if strings.HasSuffix(h.Name, ".ovf") {
			text, err := io.ReadAll(archive)
			must(t, err)
			return text
		}
	}
}

// VMware's own parser takes every word of the description, and makes of it the
// machine that is meant.
func TestM4_2_Description(t *testing.T) {
	e, err := ovf.Unmarshal(bytes.NewReader(descriptor(t)))
	must(t, err)
	spec, err := e.ToConfigSpecWithOptions(ovf.ToConfigSpecOptions{Strict: true})
	must(t, err)
	judge(t, spec)
	if spec.Firmware != string(types.GuestOsDescriptorFirmwareTypeEfi) {
		t.Errorf("the firmware is %q", spec.Firmware)
	}
	var keys []string
	for _, p := range e.VirtualSystem.Product[0].Property {
		keys = append(keys, p.Key)
		if p.UserConfigurable == nil || !*p.UserConfigurable {
			t.Errorf("%s can not be set", p.Key)
		}
	}
	for _, want := range []string{"quorate.hostname", "quorate.address", "quorate.gateway", "quorate.dns", "quorate.admin.authorized_keys"} {
		if !slices.Contains(keys, want) {
			t.Errorf("there is no property %s", want)
		}
	}
	t.Logf("M4.2 VMware's parser makes of the OVA: EFI, 1 processor, 512 MiB, pvscsi, vmxnet3, properties %s", strings.Join(keys, " "))
}

// judge looks at the machine.
func judge(t *testing.T, spec types.VirtualMachineConfigSpec) {
	t.Helper()
	if spec.NumCPUs != 1 || spec.MemoryMB != 512 {
		t.Errorf("%d processors and %d MiB, want 1 and 512", spec.NumCPUs, spec.MemoryMB)
	}
	var scsi, net bool
	var capacity int64
	for _, change := range spec.DeviceChange {
		switch d := change.GetVirtualDeviceConfigSpec().Device.(type) {
		case *types.ParaVirtualSCSIController:
			scsi = true
		case *types.VirtualVmxnet3:
			net = true
		case *types.VirtualDisk:
			capacity = max(d.CapacityInBytes, d.CapacityInKB<<10)
		}
	}
	if !scsi || !net || capacity != 4<<30 {
		t.Errorf("pvscsi %v, vmxnet3 %v, a disk of %d bytes; want both and 4 GiB", scsi, net, capacity)
	}
}

// A vCenter, as VMware's simulator plays it, imports the description.
func TestM4_2_Import(t *testing.T) {
	text := string(descriptor(t))
	must(t, simulator.VPX().Run(func(ctx context.Context, c *vim25.Client) error {
		finder := find.NewFinder(c)
		pool, err := finder.DefaultResourcePool(ctx)
		if err != nil {
			pool, err = finder.ResourcePool(ctx, "/DC0/host/DC0_C0/Resources")
		}
		must(t, err)
		store, err := finder.DefaultDatastore(ctx)
		must(t, err)
		network, err := finder.Network(ctx, "VM Network")
		must(t, err)
		result, err := ovf.NewManager(c).CreateImportSpec(ctx, text, pool, store, &types.OvfCreateImportSpecParams{
			EntityName: "cb1", DiskProvisioning: string(types.OvfCreateImportSpecParamsDiskProvisioningTypeThin),
			NetworkMapping:  []types.OvfNetworkMapping{{Name: "VM Network", Network: network.Reference()}},
			PropertyMapping: []types.KeyValue{{Key: "quorate.hostname", Value: "cb1"}},
		})
		must(t, err)
		if len(result.Error) > 0 || len(result.Warning) > 0 {
			t.Errorf("the import complains: %+v %+v", result.Error, result.Warning)
		}
		if len(result.FileItem) != 1 || result.FileItem[0].Path != "quorate.vmdk" {
			t.Errorf("the import asks for the files %+v", result.FileItem)
		}
		judge(t, result.ImportSpec.(*types.VirtualMachineImportSpec).ConfigSpec)
		return nil
	}))
	t.Log("M4.2 VMware's simulated vCenter imports the OVA: pvscsi, vmxnet3, one disk")
}
