package bus

import (
	"os"
	"strings"
	"sync"

	"github.com/godbus/dbus/v5"
)

// registry finds the method of an incoming message. godbus calls it, each
// message in a goroutine of its own.
type registry struct {
	mu      sync.RWMutex
	objects map[string]*object // by path; guarded by mu
}

func newRegistry() *registry { return &registry{objects: make(map[string]*object)} }

func (r *registry) add(o *object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.objects[o.path] = o
}

func (r *registry) remove(o *object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.objects, o.path)
}

// LookupObject finds an exported object or, on the way to one, a bare node that
// can only be introspected.
func (r *registry) LookupObject(path dbus.ObjectPath) (dbus.ServerObject, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if o, ok := r.objects[string(path)]; ok {
		return face{object: o}, true
	}
	prefix := strings.TrimSuffix(string(path), "/") + "/"
	var children []string
	for p := range r.objects {
		if rest, ok := strings.CutPrefix(p, prefix); ok {
			child, _, _ := strings.Cut(rest, "/")
			children = append(children, child)
		}
	}
	return face{children: children}, len(children) > 0
}

// face is a node of the object tree: an object, or a way to one.
type face struct {
	object   *object
	children []string
}

// LookupInterface finds an interface; an empty name stands for the object's own
// (the D-Bus specification lets a caller leave it out).
func (f face) LookupInterface(name string) (dbus.Interface, bool) {
	switch {
	case name == introspectionInterface:
		return methodsOf{f.object, name, f.children}, true
	case f.object == nil:
		return nil, false
	case name == "":
		name = f.object.rule.name
	}
	known := name == f.object.rule.name || name == propertiesInterface
	return methodsOf{f.object, name, nil}, known
}

// methodsOf is one interface of a node.
type methodsOf struct {
	object   *object
	name     string
	children []string
}

// LookupMethod finds a method of the interface.
func (i methodsOf) LookupMethod(name string) (dbus.Method, bool) {
	switch i.name {
	case introspectionInterface:
		return &method{object: i.object, iface: i.name, children: i.children, rule: methodRule{name: name}}, name == "Introspect"
	case propertiesInterface:
		rule, ok := propertyRules[name]
		return &method{object: i.object, iface: i.name, rule: rule}, ok
	}
	rule, ok := i.object.rule.methods[name]
	return &method{object: i.object, iface: i.name, rule: rule}, ok
}

// method is one call: godbus looks it up, lets it decode, then runs it.
type method struct {
	object   *object
	iface    string
	rule     methodRule
	children []string

	conn   *dbus.Conn
	sender string
	msg    *dbus.Message
}

// DecodeArguments checks the signature, so that handlers can rely on it.
func (m *method) DecodeArguments(conn *dbus.Conn, sender string, msg *dbus.Message, body []any) ([]any, error) {
	m.conn, m.sender, m.msg = conn, sender, msg
	if got := dbus.SignatureOf(body...).String(); got != m.rule.in {
		closeDescriptors(body)
		return nil, dbus.NewError(busName+".Error.InvalidArgs", []any{m.rule.name + " takes (" + m.rule.in + "), not (" + got + ")"})
	}
	return body, nil
}

// Call answers the call.
func (m *method) Call(body ...any) ([]any, error) {
	out, err := m.run(body)
	if err != nil {
		return nil, encodeError(err)
	}
	if len(out) == 1 {
		if f, ok := out[0].(*os.File); ok {
			return nil, m.replyFile(f)
		}
	}
	return out, nil
}

func (m *method) run(body []any) ([]any, error) {
	switch m.iface {
	case introspectionInterface:
		return []any{introspection(m.object, m.children)}, nil
	case propertiesInterface:
		who, err := m.object.conn.caller(m.object.conn.ctx, m.sender)
		if err != nil {
			return nil, err
		}
		return m.object.property(who, m.rule.name, body)
	}
	return m.object.invoke(m.sender, m.rule, body)
}

// replyFile sends the reply itself, because the descriptor may be closed only
// after it left and godbus has no such moment; then it marks the call as
// answered.
func (m *method) replyFile(f *os.File) error {
	defer f.Close()
	if m.msg.Flags&dbus.FlagNoReplyExpected != 0 {
		return nil
	}
	m.msg.Flags |= dbus.FlagNoReplyExpected
	body := []any{dbus.UnixFD(f.Fd())}
	m.conn.Send(&dbus.Message{
		Type: dbus.TypeMethodReply,
		Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldDestination: dbus.MakeVariant(m.sender),
			dbus.FieldReplySerial: dbus.MakeVariant(m.msg.Serial()),
			dbus.FieldSignature:   dbus.MakeVariant(dbus.SignatureOf(body...)),
		},
		Body: body,
	}, nil)
	return nil
}

// The rest of dbus.Method is for reflection, which DecodeArguments replaces.
func (m *method) NumArguments() int     { return 0 }
func (m *method) NumReturns() int       { return 0 }
func (m *method) ArgumentValue(int) any { return nil }
func (m *method) ReturnValue(int) any   { return nil }

// closeDescriptors closes what a caller sent unasked, so that nobody can use up
// the daemon's descriptors.
func closeDescriptors(body []any) {
	for _, v := range body {
		switch v := v.(type) {
		case dbus.UnixFD:
			_ = os.NewFile(uintptr(v), "").Close()
		case []dbus.UnixFD:
			for _, fd := range v {
				_ = os.NewFile(uintptr(fd), "").Close()
			}
		}
	}
}
