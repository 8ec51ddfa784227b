package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"

	"quorate.org/daemon/fault"
)

// ceiling bounds one incoming call. Methods have shorter limits of their own.
const ceiling = time.Minute

// handler answers one method call whose arguments have the method's signature.
type handler func(c *incoming) ([]any, error)

// incoming is a call on its way to a handler.
type incoming struct {
	ctx    context.Context
	caller Caller
	args   []any
}

func (c *incoming) str(i int) string    { return c.args[i].(string) }
func (c *incoming) bytes(i int) []byte  { return c.args[i].([]byte) }
func (c *incoming) strs(i int) []string { return c.args[i].([]string) }
func (c *incoming) boolean(i int) bool  { return c.args[i].(bool) }
func (c *incoming) number(i int) uint64 { return c.args[i].(uint64) }

// sealed reads and closes a descriptor that came as an argument.
func (c *incoming) sealed(i int) ([]byte, error) { return readSealed(c.args[i].(dbus.UnixFD)) }
func (c *incoming) dict(i int) map[string]any {
	return Native(c.args[i].(map[string]dbus.Variant))
}

// object is one exported interface at its path.
type object struct {
	conn     *Conn
	rule     *interfaceRule
	path     string
	handlers map[string]handler
	audit    func(Change)

	mu         sync.Mutex
	properties map[string]dbus.Variant // guarded by mu
}

// serve exports handlers as the interface of s, then takes its name. audit (nil
// for none) hears of every journaled call. It fails when the handlers are not
// exactly the methods the description names.
func (c *Conn) serve(s service, handlers map[string]handler, properties any, audit func(Change)) (*object, error) {
	rule, err := loadInterface(s.name)
	if err != nil {
		return nil, err
	}
	if want, got := slices.Sorted(maps.Keys(rule.methods)), slices.Sorted(maps.Keys(handlers)); !slices.Equal(want, got) {
		return nil, fmt.Errorf("exporting %s: its description names %v, the code %v", s.name, want, got)
	}
	if audit == nil {
		audit = func(Change) {}
	}
	o := &object{conn: c, rule: rule, path: s.path, handlers: handlers, audit: audit, properties: Vardict(properties)}
	c.objects.add(o)
	if err := c.own(s.name); err != nil {
		c.objects.remove(o)
		return nil, err
	}
	return o, nil
}

// invoke runs one call from credentials to journal.
func (o *object) invoke(sender string, rule methodRule, body []any) ([]any, error) {
	if !o.conn.begin() {
		return nil, context.Canceled
	}
	defer o.conn.calls.Done()
	ctx, cancel := context.WithTimeout(o.conn.ctx, ceiling)
	defer cancel()
	who, err := o.conn.caller(ctx, sender)
	if err != nil {
		closeDescriptors(body)
		return nil, err
	}
	journal := rule.journal && (rule.access == accessChange || who.SeesSecrets())
	if journal {
		who.From = o.conn.origin(ctx, who.PID)
	}
	out, err := o.permitted(ctx, who, rule, body)
	if journal {
		o.audit(Change{Caller: who, Interface: o.rule.name, Method: rule.name, Args: describe(rule, body), Err: err})
	}
	return out, err
}

func (o *object) permitted(ctx context.Context, who Caller, rule methodRule, body []any) ([]any, error) {
	if !who.Role.may(rule.access) {
		closeDescriptors(body)
		return nil, refusal(who, rule.access)
	}
	return o.handlers[rule.name](&incoming{ctx: ctx, caller: who, args: body})
}

func refusal(who Caller, need access) error {
	switch need {
	case accessRead:
		return fault.Mend(fault.NotPermitted, fmt.Sprintf("user %s may not read this", who.User), "join the group "+operatorGroup)
	case accessService:
		return fault.New(fault.NotPermitted, fmt.Sprintf("only the services themselves may do this, not user %s", who.User))
	case accessRoot:
		return fault.New(fault.NotPermitted, fmt.Sprintf("only the configuration service may do this, not user %s", who.User))
	}
	return fault.Mend(fault.NotPermitted, fmt.Sprintf("user %s may not change this", who.User), "join the group "+adminGroup)
}

// emit sends a signal of the interface to everyone who listens.
func (o *object) emit(member string, args ...any) error {
	if err := o.conn.raw.Emit(dbus.ObjectPath(o.path), o.rule.name+"."+member, args...); err != nil {
		return fmt.Errorf("emitting %s.%s: %w", o.rule.name, member, err)
	}
	return nil
}

// answer is the reply of handlers whose method returns one value.
func answer[T any](v T, err error) ([]any, error) {
	if err != nil {
		return nil, err
	}
	return []any{v}, nil
}

// answerStruct replies with a{sv}, answerList with aa{sv}, done with nothing.
func answerStruct[T any](v T, err error) ([]any, error) { return answer(Vardict(v), err) }
func answerList[T any](v []T, err error) ([]any, error) { return answer(Vardicts(v), err) }
func done(err error) ([]any, error)                     { return nil, err }

// answerStrings replies with as; a nil slice is an empty list.
func answerStrings(v []string, err error) ([]any, error) {
	if v == nil {
		v = []string{}
	}
	return answer(v, err)
}

// answerFile replies with a descriptor; the dispatcher closes f once it is sent.
func answerFile(f *os.File, err error) ([]any, error) {
	if err == nil && f == nil {
		err = errors.New("no descriptor")
	}
	return answer(f, err)
}
