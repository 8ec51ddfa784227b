package settings

import (
	"errors"
	"fmt"
	"reflect"
	"sort"
	"strings"
	"time"
)

// Problem is one reason to refuse a configuration.
type Problem struct {
	Key    string // may point into a list: xmpp.callbridge[1].secret
	Reason string
}

// Error returns "key: reason".
func (p *Problem) Error() string { return p.Key + ": " + p.Reason }

func problem(name string, err error) *Problem {
	var entry *entryError
	if errors.As(err, &entry) {
		return &Problem{Key: name + entry.where, Reason: entry.reason}
	}
	return &Problem{Key: name, Reason: err.Error()}
}

// Validate checks raw whole and returns the Values it makes together with the
// defaults, or every problem, in the order of the schema.
func Validate(raw Raw) (Values, []*Problem) {
	var v Values
	var problems []*Problem
	for _, k := range schema {
		in, set := raw[k.Name]
		if !set {
			in = k.Default
		}
		out, p := Convert(k.Name, in)
		if p != nil {
			problems = append(problems, p)
			continue
		}
		k.store(&v, out)
	}
	problems = append(problems, unknown(raw)...)
	if len(problems) == 0 {
		problems = consistent(&v)
	}
	if len(problems) > 0 {
		return Values{}, problems
	}
	return v, nil
}

func unknown(raw Raw) (problems []*Problem) {
	for name := range raw {
		if _, ok := Find(name); !ok {
			problems = append(problems, &Problem{Key: name, Reason: Unknown(name)})
		}
	}
	sort.Slice(problems, func(i, j int) bool { return problems[i].Key < problems[j].Key })
	return problems
}

// consistent checks what one key alone can not tell.
func consistent(v *Values) (problems []*Problem) {
	add := func(key, format string, args ...any) {
		problems = append(problems, &Problem{Key: key, Reason: fmt.Sprintf(format, args...)})
	}
	owner := make(map[int]string)
	for _, name := range []string{"xmpp.client_port", "xmpp.component_port", "cluster.port", "gossip.port", "web.port"} {
		port := *byName[name].field(v).(*int)
		if other, taken := owner[port]; taken {
			add(name, "port %d is that of %s too", port, other)
		}
		owner[port] = name
	}
	if (v.XMPP.Key == "") != (v.XMPP.Certificate == "") {
		add(missing(v.XMPP.Key, "xmpp.key", "xmpp.certificate"), "xmpp.key and xmpp.certificate must be set together")
	}
	if (v.Web.Key == "") != (v.Web.Certificate == "") {
		add(missing(v.Web.Key, "web.key", "web.certificate"), "web.key and web.certificate must be set together")
	}
	if v.XMPP.MaxStanzaBeforeAuth > v.XMPP.MaxStanza {
		add("xmpp.max_stanza_before_auth", "must not be more than xmpp.max_stanza")
	}
	problems = append(problems, large(v)...)
	if v.Cluster.Election < v.Cluster.Heartbeat {
		add("cluster.election", "must not be less than cluster.heartbeat")
	}
	if v.Cluster.Lease > v.Cluster.Heartbeat {
		add("cluster.lease", "must not be more than cluster.heartbeat")
	}
	return problems
}

// large checks that what is sent to a client at once fits where it waits to be read,
// and to be confirmed: else the session ends, and the next one in the same way.
func large(v *Values) (problems []*Problem) {
	for _, name := range []string{"xmpp.max_stanza", "xmpp.max_roster_bytes", "xmpp.max_offline_bytes", "xmpp.max_private", "xmpp.max_vcard", "xmpp.max_item_payload"} {
		for _, room := range []string{"xmpp.outbox", "xmpp.resume_queue"} {
			if n, has := *byName[name].field(v).(*int), *byName[room].field(v).(*int); n > has/2 {
				problems = append(problems, &Problem{Key: name, Reason: fmt.Sprintf(
					"%s is more than half of %s, which is %s: a client that is sent so much at once would be cut off; make the one smaller or the other larger",
					sizeLiteral(int64(n)), room, sizeLiteral(int64(has)))})
			}
		}
	}
	return problems
}

// missing names the key that is set, because that one has a line in a file.
func missing(key, ifSet, otherwise string) string {
	if key != "" {
		return ifSet
	}
	return otherwise
}

// store puts a converted value into its field.
func (k *Key) store(v *Values, value any) {
	switch f := k.field(v).(type) {
	case *bool:
		*f = value.(bool)
	case *int:
		*f = int(value.(int64))
	case *string:
		*f = value.(string)
	case *time.Duration:
		*f, _ = time.ParseDuration(value.(string)) // convert has parsed it
	case *[]string:
		*f = value.([]string)
	case *[]CallBridge:
		for _, m := range value.([]map[string]any) {
			*f = append(*f, CallBridge{Name: m["name"].(string), Secret: m["secret"].(string)})
		}
	case *[]Interface:
		for _, s := range value.([]string) {
			letter, mac, _ := strings.Cut(s, "=")
			*f = append(*f, Interface{Letter: letter, MAC: strings.ToLower(mac)})
		}
	default:
		panic("settings: no way to store " + k.Name)
	}
}

// Effective returns the value of every key: what raw says, else the default.
func Effective(raw Raw) Raw {
	out := make(Raw, len(schema))
	for _, k := range schema {
		if v, ok := raw[k.Name]; ok {
			out[k.Name] = v
		} else {
			out[k.Name] = k.Default
		}
	}
	return out
}

// Differ returns the keys whose effective values differ, in schema order.
func Differ(a, b Raw) []string {
	a, b = Effective(a), Effective(b)
	var keys []string
	for _, k := range schema {
		if !reflect.DeepEqual(a[k.Name], b[k.Name]) {
			keys = append(keys, k.Name)
		}
	}
	return keys
}

// generationKey carries the generation beside the keys on the bus.
const generationKey = "generation"

// Encode is what Config1.Values answers: every effective value and the
// generation. With masked, secrets are left out.
func Encode(raw Raw, generation uint64, masked bool) map[string]any {
	out := map[string]any{generationKey: generation}
	for name, v := range Effective(raw) {
		if !masked || !byName[name].Secret {
			out[name] = v
		}
	}
	return out
}

// Decode reads what Config1.Values answered. A key this version does not know
// is ignored and one that is absent has its default, so that two versions of
// the daemons can run side by side during an upgrade.
func Decode(values map[string]any) (Values, error) {
	raw := make(Raw, len(values))
	for name, v := range values {
		if _, known := Find(name); known {
			raw[name] = v
		}
	}
	v, problems := Validate(raw)
	if len(problems) > 0 {
		return Values{}, fmt.Errorf("decoding settings: %w", problems[0])
	}
	v.Generation, _ = values[generationKey].(uint64)
	return v, nil
}
