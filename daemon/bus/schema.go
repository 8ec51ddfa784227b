package bus

import (
	"encoding/xml"
	"fmt"
	"strings"

	"quorate.org/config"
)

// access is who may call a method.
type access string

const (
	accessRead    access = "read"    // operators, administrators, services
	accessChange  access = "change"  // administrators; journaled
	accessService access = "service" // root and the daemons' own users
	accessRoot    access = "root"    // root alone, which the configuration service runs as
)

// methodRule is what config/<interface>.xml says of one method.
type methodRule struct {
	name    string
	access  access
	journal bool     // journaled when it succeeds or fails
	in, out string   // signatures
	args    []string // names of the in arguments
	secret  []bool   // by in argument: never journaled
}

// interfaceRule is one interface description, parsed.
type interfaceRule struct {
	name       string
	body       string // the <interface> element, for introspection
	methods    map[string]methodRule
	properties map[string]string // name to signature
}

type xmlAnnotation struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type xmlMethod struct {
	Name string `xml:"name,attr"`
	Args []struct {
		Name        string          `xml:"name,attr"`
		Type        string          `xml:"type,attr"`
		Direction   string          `xml:"direction,attr"`
		Annotations []xmlAnnotation `xml:"annotation"`
	} `xml:"arg"`
	Annotations []xmlAnnotation `xml:"annotation"`
}

type xmlNode struct {
	Interface struct {
		Name       string      `xml:"name,attr"`
		Body       string      `xml:",innerxml"`
		Methods    []xmlMethod `xml:"method"`
		Properties []struct {
			Name string `xml:"name,attr"`
			Type string `xml:"type,attr"`
		} `xml:"property"`
	} `xml:"interface"`
}

// loadInterface parses the embedded description of an interface.
func loadInterface(name string) (*interfaceRule, error) {
	text, err := config.Interface(name)
	if err != nil {
		return nil, fmt.Errorf("reading interface description %s: %w", name, err)
	}
	var node xmlNode
	if err := xml.Unmarshal(text, &node); err != nil {
		return nil, fmt.Errorf("parsing interface description %s: %w", name, err)
	}
	r := &interfaceRule{
		name:       name,
		body:       fmt.Sprintf("  <interface name=%q>%s</interface>\n", name, node.Interface.Body),
		methods:    make(map[string]methodRule),
		properties: make(map[string]string),
	}
	for _, m := range node.Interface.Methods {
		r.methods[m.Name] = ruleOf(m)
	}
	for _, p := range node.Interface.Properties {
		r.properties[p.Name] = p.Type
	}
	return r, nil
}

func ruleOf(m xmlMethod) methodRule {
	r := methodRule{name: m.Name, access: access(annotation(m.Annotations, "org.quorate.Access"))}
	switch r.access {
	case accessRead, accessService, accessRoot:
	default:
		r.access = accessChange // the strictest for people: what nobody thought of stays closed
	}
	r.journal = r.access == accessChange || annotation(m.Annotations, "org.quorate.Journal") == "true"
	var in, out strings.Builder
	for _, a := range m.Args {
		if a.Direction == "out" {
			out.WriteString(a.Type)
			continue
		}
		in.WriteString(a.Type)
		r.args = append(r.args, a.Name)
		r.secret = append(r.secret, annotation(a.Annotations, "org.quorate.Secret") == "true")
	}
	r.in, r.out = in.String(), out.String()
	return r
}

func annotation(list []xmlAnnotation, name string) string {
	for _, a := range list {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}
