package xmlwire

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// node is an element as the oracle and as View see it, for comparison.
type node struct {
	space, local string
	attrs        []string // "{namespace}local=value", sorted; no declarations
	text         string   // directly inside
	kids         []*node

	declares, prefixed bool // a default namespace; set by viewed only
}

// String writes the tree so that equal trees are equal strings.
func (n *node) String() string {
	var b strings.Builder
	n.write(&b, "")
	return b.String()
}

func (n *node) write(b *strings.Builder, indent string) {
	fmt.Fprintf(b, "%s{%s}%s %q %q\n", indent, n.space, n.local, n.attrs, n.text)
	for _, k := range n.kids {
		k.write(b, indent+" ")
	}
}

// rescope puts n, and what is below it, out of the content namespace: what has
// it from the chain of such elements above, and what has it because no default
// namespace was declared on the way from the stream header.
func (n *node) rescope(content string) { n.move(content, true, true) }

func (n *node) move(content string, chain, outer bool) {
	chain = chain && n.space == content
	outer = chain || outer && !n.declares
	if outer && !n.prefixed && n.space == content {
		n.space = ""
	}
	for _, k := range n.kids {
		k.move(content, chain, outer)
	}
}

// blank maps white space to spaces: encoding/xml does not normalise attribute
// values, and its result does not tell &#10; from a line feed.
var blank = strings.NewReplacer("\t", " ", "\n", " ", "\r", " ")

// viewed converts a View.
func viewed(v View) *node {
	n := &node{space: string(v.Space), local: string(v.Name), text: v.Text()}
	n.declares = v.Get("xmlns").Present()
	t, _ := readTag(v.Raw)
	n.prefixed = bytes.ContainsRune(t.name, ':')
	for _, a := range v.Attrs {
		prefix, local, ok := strings.Cut(string(a.Name), ":")
		if !ok {
			prefix, local = "", prefix
		}
		if prefix == "xmlns" || !ok && local == "xmlns" {
			continue
		}
		space := ""
		if ok {
			space = string(v.space([]byte(prefix)))
		}
		n.attrs = append(n.attrs, attrText(space, local, a.String()))
	}
	slices.Sort(n.attrs)
	for c := range v.Children() {
		n.kids = append(n.kids, viewed(c))
	}
	return n
}

func attrText(space, local, value string) string {
	return "{" + space + "}" + local + "=" + blank.Replace(value)
}

// errLax marks input on which encoding/xml and the XML standards are known to
// differ in a way the oracle does not mend; nothing is compared then.
var errLax = errors.New("beyond the oracle")

// oracle is a slow and plain reader of streams: encoding/xml for the lexemes,
// its own naive reading of Namespaces in XML and of RFC 6120 §11.1.
type oracle struct {
	stack  []*node
	names  []string
	scopes []map[string]string
	tops   []*node // first-level elements, the unfinished last one included
	root   *node
	ended  bool
}

// read reads all of in. At its end, elements may be open.
func (o *oracle) read(in []byte) error {
	d := xml.NewDecoder(bytes.NewReader(in))
	for i := 0; ; i++ {
		tok, err := d.RawToken()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return decoding(err, in)
		}
		if err := o.token(i, tok); err != nil {
			return err
		}
	}
}

// decoding sorts the errors of encoding/xml. Its tables of names are those of
// the fourth edition of XML 1.0, which are narrower than the fifth's.
func decoding(err error, in []byte) error {
	if strings.Contains(err.Error(), "invalid XML name") && slices.ContainsFunc(in, func(c byte) bool { return c >= 0x80 }) {
		return errLax
	}
	return err
}

func (o *oracle) token(i int, tok xml.Token) error {
	switch t := tok.(type) {
	case xml.ProcInst:
		if i > 0 || t.Target != "xml" {
			return errors.New("processing instruction")
		}
	case xml.Comment, xml.Directive:
		return errors.New("comment or directive")
	case xml.CharData:
		return o.text(string(t))
	case xml.StartElement:
		return o.start(t)
	case xml.EndElement:
		return o.end(t)
	}
	return nil
}

func (o *oracle) text(s string) error {
	for _, r := range s {
		if !isChar(r) {
			return errors.New("not a character")
		}
	}
	if len(o.stack) > 1 {
		o.stack[len(o.stack)-1].text += s
	} else if strings.Trim(s, " \t\r\n") != "" {
		return errors.New("text outside stanzas")
	}
	return nil
}

func full(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// qualified holds a name to Namespaces in XML §4, which encoding/xml does not.
func qualified(n xml.Name) error {
	if strings.Contains(n.Local, ":") || strings.ContainsAny(n.Local[:1], "-.0123456789") {
		return errors.New("not a qualified name")
	}
	return nil
}

func (o *oracle) start(t xml.StartElement) error {
	if o.ended {
		return errors.New("second root")
	}
	if t.Name.Space == "xmlns" {
		return errors.New("element with prefix xmlns")
	}
	names := []xml.Name{t.Name}
	for _, a := range t.Attr {
		names = append(names, a.Name)
	}
	for _, n := range names {
		if err := qualified(n); err != nil {
			return err
		}
	}
	scope := map[string]string{}
	for _, a := range t.Attr {
		prefix, is := a.Name.Local, a.Name.Space == "xmlns"
		if full(a.Name) == "xmlns" {
			prefix, is = "", true
		}
		if !is {
			continue
		}
		reserved := a.Value == NSXML || a.Value == NSXMLNS
		switch {
		case prefix == "xml" && a.Value == NSXML:
		case prefix == "xml", prefix == "xmlns", reserved, prefix != "" && a.Value == "":
			return errors.New("bad declaration")
		}
		if a.Value != blank.Replace(a.Value) {
			return errLax
		}
		scope[prefix] = a.Value
	}
	o.scopes = append(o.scopes, scope)
	o.names = append(o.names, full(t.Name))
	n := &node{local: t.Name.Local}
	var err error
	if n.space, err = o.resolve(t.Name.Space); err != nil {
		return err
	}
	if err := o.attrs(n, t.Attr); err != nil {
		return err
	}
	switch len(o.stack) {
	case 0:
		o.root = n
	case 1:
		o.tops = append(o.tops, n)
	default:
		up := o.stack[len(o.stack)-1]
		up.kids = append(up.kids, n)
	}
	o.stack = append(o.stack, n)
	return nil
}

func (o *oracle) resolve(prefix string) (string, error) {
	for i := len(o.scopes) - 1; i >= 0; i-- {
		if s, ok := o.scopes[i][prefix]; ok {
			return s, nil
		}
	}
	switch prefix {
	case "":
		return "", nil
	case "xml":
		return NSXML, nil
	}
	return "", errors.New("undeclared prefix")
}

func (o *oracle) attrs(n *node, attrs []xml.Attr) error {
	seen := map[[2]string]bool{}
	for _, a := range attrs {
		for _, r := range a.Value {
			if !isChar(r) {
				return errors.New("not a character")
			}
		}
		key := [2]string{a.Name.Space, a.Name.Local}
		declares := a.Name.Space == "xmlns" || full(a.Name) == "xmlns"
		if a.Name.Space != "" && !declares {
			space, err := o.resolve(a.Name.Space)
			if err != nil {
				return err
			}
			key[0] = "{" + space + "}"
		}
		if seen[key] {
			return errors.New("duplicate attribute")
		}
		seen[key] = true
		if !declares {
			n.attrs = append(n.attrs, attrText(strings.Trim(key[0], "{}"), a.Name.Local, a.Value))
		}
	}
	slices.Sort(n.attrs)
	return nil
}

func (o *oracle) end(t xml.EndElement) error {
	last := len(o.stack) - 1
	if last < 0 || o.names[last] != full(t.Name) {
		return errors.New("end tag does not match")
	}
	o.stack, o.names, o.scopes = o.stack[:last], o.names[:last], o.scopes[:last]
	o.ended = last == 0
	return nil
}
