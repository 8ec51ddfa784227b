package settings

import "time"

// Type is the form a value has in the file and on the bus.
type Type string

// The types, with what they are in plain Go as Raw holds them.
const (
	Bool       Type = "boolean"      // bool
	Int        Type = "integer"      // int64
	Size       Type = "size"         // int64 bytes; "256KiB" or "16MiB" is taken too
	Duration   Type = "duration"     // string like "10s" or "250ms"
	Text       Type = "text"         // string
	List       Type = "list"         // []string
	Interfaces Type = "interfaces"   // []string of "letter=MAC address"
	Bridges    Type = "call bridges" // []map[string]any with name and secret
)

// Scope says whose a key is.
type Scope string

// The scopes. A cluster-scope key in a file seeds an empty store; a later
// difference is shown as drift and never applied.
const (
	Node    Scope = "node"
	Cluster Scope = "cluster"
)

// Reload says when a new value takes effect.
type Reload string

// The reload classes.
const (
	Live     Reload = "live"     // at once, established streams stay
	Streams  Reload = "streams"  // for streams that open from now on
	Listener Reload = "listener" // ports are opened and closed, established streams stay
	Restart  Reload = "restart"  // at once, with a new start within quorate-xmpp: this node's streams end
	Seed     Reload = "seed"     // when the replicated store is empty
)

// Key is one row of the schema.
type Key struct {
	Name    string // section.key
	Type    Type
	Default any   // in the form Raw holds
	Min     int64 // for Int and Size; for Duration in milliseconds
	Max     int64
	Scope   Scope
	Reload  Reload
	Secret  bool   // the value is masked where it is shown
	Bound   bool   // it limits what a peer or an outage makes this node hold or do; the metrics tell how often it was reached
	Doc     string // full sentences
	Example string // TOML shown in the default file when the default is empty

	check func(value any) error // further constraint on a value of the type; may be nil
	field func(v *Values) any   // pointer to the field of Values it fills
}

// Section returns the TOML table the key stands in.
func (k *Key) Section() string { return k.Name[:indexDot(k.Name)] }

// Leaf returns the key's name within its table.
func (k *Key) Leaf() string { return k.Name[indexDot(k.Name)+1:] }

// Amount returns what a Bound key limits to in v: a number, bytes, or seconds.
func (k *Key) Amount(v *Values) float64 {
	switch p := k.field(v).(type) {
	case *int:
		return float64(*p)
	case *time.Duration:
		return p.Seconds()
	}
	panic("settings: a bound that is no amount: " + k.Name)
}

func indexDot(name string) int {
	for i := range len(name) {
		if name[i] == '.' {
			return i
		}
	}
	panic("settings: key without a section: " + name)
}
