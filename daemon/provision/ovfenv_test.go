package provision

import (
	"context"
	"encoding/xml"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// As a vCenter writes it.
const ovfEnv = `<?xml version="1.0" encoding="UTF-8"?>
<Environment xmlns="http://schemas.dmtf.org/ovf/environment/1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
     xmlns:oe="http://schemas.dmtf.org/ovf/environment/1" xmlns:ve="http://www.vmware.com/schema/ovfenv" oe:id="" ve:vCenterId="vm-42">
   <PlatformSection><Kind>VMware ESXi</Kind><Version>8.0.2</Version><Vendor>VMware, Inc.</Vendor><Locale>en</Locale></PlatformSection>
   <PropertySection>
         <Property oe:key="quorate.hostname" oe:value="cb1"/>
         <Property oe:key="quorate.address" oe:value="192.0.2.10/24"/>
         <Property oe:key="quorate.gateway" oe:value=""/>
         <Property oe:key="quorate.admin.authorized_keys" oe:value="ssh-ed25519 AAAA a &amp; b"/>
         <Property oe:key="vm.vmname" oe:value="other"/>
   </PropertySection>
   <ve:EthernetAdapterSection><ve:Adapter ve:mac="00:50:56:aa:bb:cc" ve:network="VM Network" ve:unitNumber="7"/></ve:EthernetAdapterSection>
</Environment>`

func TestOVFEnvironment(t *testing.T) {
	ask := func(text string) ([]Item, error) {
		return OVFEnvironment(t.Context(), func(_ context.Context, v string) (string, error) {
			return map[string]string{"guestinfo.ovfEnv": text}[v], nil
		})
	}
	got, err := ask(ovfEnv)
	want := []Item{
		{Hostname, "cb1", "the OVA's property quorate.hostname"}, {Address, "192.0.2.10/24", "the OVA's property quorate.address"},
		{AuthorizedKeys, "ssh-ed25519 AAAA a & b", "the OVA's property quorate.admin.authorized_keys"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := ask(" \n"); len(got) > 0 || err != nil {
		t.Errorf("no environment: %v, %v", got, err)
	}
	for _, bad := range []string{"<Environment", "quorate.hostname=cb1", strings.Repeat(" ", limit) + ovfEnv} {
		if got, err := ask(bad); err == nil || len(got) > 0 {
			t.Errorf("%.20q: %v, %v", bad, got, err)
		}
	}
}

// Every property that the OVA offers is a key that is read here.
func TestPropertiesOfTheOVA(t *testing.T) {
	text, err := os.ReadFile("../../image/quorate.ovf")
	if err != nil {
		t.Fatal(err)
	}
	var envelope struct {
		Properties []struct {
			Key string `xml:"key,attr"`
		} `xml:"VirtualSystem>ProductSection>Property"`
	}
	if err := xml.Unmarshal(text, &envelope); err != nil {
		t.Fatal(err)
	}
	if len(envelope.Properties) < 5 {
		t.Errorf("it offers %v", envelope.Properties)
	}
	for _, p := range envelope.Properties {
		if key, ours := strings.CutPrefix(p.Key, prefix); !ours || !slices.Contains(Keys, key) {
			t.Errorf("nobody reads %s", p.Key)
		}
	}
}
