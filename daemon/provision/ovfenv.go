package provision

import (
	"context"
	"encoding/xml"
	"fmt"
	"strings"
)

// environmentVariable holds, as an XML document, what a person entered when the
// OVA was deployed.
const environmentVariable = "guestinfo.ovfEnv"

// environment is what is read of an OVF environment (DMTF DSP0243 §11).
type environment struct {
	XMLName    xml.Name
	Properties []struct {
		Key   string `xml:"http://schemas.dmtf.org/ovf/environment/1 key,attr"`
		Value string `xml:"http://schemas.dmtf.org/ovf/environment/1 value,attr"`
	} `xml:"http://schemas.dmtf.org/ovf/environment/1 PropertySection>Property"`
}

// OVFEnvironment asks for the properties of the OVA, quorate.<key>. One that was
// left empty was not given.
func OVFEnvironment(ctx context.Context, query Query) ([]Item, error) {
	text, err := query(ctx, environmentVariable)
	if err != nil || strings.TrimSpace(text) == "" {
		return nil, err
	}
	if len(text) > limit {
		return nil, fmt.Errorf("reading VMware's %s: it is larger than %d bytes", environmentVariable, limit)
	}
	var e environment
	if err := xml.Unmarshal([]byte(text), &e); err != nil {
		return nil, fmt.Errorf("reading VMware's %s: %w", environmentVariable, err)
	}
	var items []Item
	for _, p := range e.Properties {
		key, ours := strings.CutPrefix(p.Key, prefix)
		if ours && strings.TrimSpace(p.Value) != "" {
			items = append(items, Item{Key: key, Value: p.Value, Source: "the OVA's property " + p.Key})
		}
	}
	return items, nil
}
