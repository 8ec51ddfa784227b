package pep

import (
	"reflect"
	"slices"
	"strconv"

	"quorate.org/daemon/im"
	"quorate.org/daemon/stanza"
)

// Forms (XEP-0060 §17.4).
const (
	nodeConfig     = "http://jabber.org/protocol/pubsub#node_config"
	publishOptions = "http://jabber.org/protocol/pubsub#publish-options"
	metaData       = "http://jabber.org/protocol/pubsub#meta-data"
)

// Access models (XEP-0060 §4.5, XEP-0163 §5).
const (
	Open      = "open"
	Presence  = "presence"
	Roster    = "roster"
	Whitelist = "whitelist"
)

// When the last item is sent (XEP-0060 §17.4.4).
const (
	never         = "never"
	onSub         = "on_sub"
	onSubPresence = "on_sub_and_presence"
)

// Config is how a node is set up.
type Config struct {
	Access       string   `json:"access"`
	Groups       []string `json:"groups,omitempty"` // of the owner's roster, for Roster
	Max          int      `json:"max"`              // items that are kept, at most as im.Limits says; asMany for that
	Transient    bool     `json:"transient,omitempty"`
	Last         string   `json:"last"`
	Bare         bool     `json:"bare,omitempty"`       // events come without payloads
	Silent       bool     `json:"silent,omitempty"`     // no events
	QuietRetract bool     `json:"noRetract,omitempty"`  // none of items that are retracted
	AnnounceDrop bool     `json:"noteDelete,omitempty"` // one of the node's deletion
	Title        string   `json:"title,omitempty"`      // what the owner says of it: pubsub#title
	Schema       string   `json:"schema,omitempty"`     // pubsub#type
}

// Default is the configuration of a node that its owner says nothing of (XEP-0163
// §5).
func Default() Config {
	return Config{Access: Presence, Max: 1, Last: onSubPresence, AnnounceDrop: true}
}

func (c Config) allows(groups []string) bool {
	return slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(c.Groups, g) })
}

// asMany stands for "max" in max_items (XEP-0060 §17.4.4): as many items as the
// limit lets a node have, whatever that is when they are published.
const asMany = 1000

// keeps is how many items stay.
func (c Config) keeps(limit int) int {
	if c.Transient { // but for the last one, which is to be sent (XEP-0163 §4.3.4)
		return 1
	}
	if c.Max >= asMany {
		return limit
	}
	return min(c.Max, limit)
}

// With returns the configuration changed by the fields of a form. ok is false
// where a field is not known or a value is none of its own.
func (c Config) With(fields []stanza.Field) (next Config, ok bool) {
	next = c
	for _, f := range fields {
		if !next.set(f) {
			return c, false
		}
	}
	return next, true
}

// Meets reports whether the configuration has what the fields ask for (XEP-0060
// §7.1.5).
func (c Config) Meets(fields []stanza.Field) (met, known bool) {
	next, ok := c.With(fields)
	return ok && reflect.DeepEqual(next, c), ok
}

func (c *Config) set(f stanza.Field) (ok bool) {
	value := ""
	if len(f.Values) > 0 {
		value = f.Values[0]
	}
	switch f.Var {
	case "pubsub#access_model":
		c.Access = value
		return slices.Contains([]string{Open, Presence, Roster, Whitelist}, value)
	case "pubsub#roster_groups_allowed":
		c.Groups = slices.Sorted(slices.Values(f.Values))
		return len(c.Groups) <= maxNamed && !slices.ContainsFunc(c.Groups, func(g string) bool { return len(g) > im.MaxName })
	case "pubsub#max_items":
		return c.setMax(value)
	case "pubsub#send_last_published_item":
		c.Last = value
		return slices.Contains([]string{never, onSub, onSubPresence}, value)
	case "pubsub#persist_items":
		return flip(&c.Transient, value)
	case "pubsub#deliver_payloads":
		return flip(&c.Bare, value)
	case "pubsub#deliver_notifications":
		return flip(&c.Silent, value)
	case "pubsub#notify_retract":
		return flip(&c.QuietRetract, value)
	case "pubsub#notify_delete":
		return flag(&c.AnnounceDrop, value)
	case "pubsub#title":
		c.Title = value
		return len(value) <= MaxName
	case "pubsub#type":
		c.Schema = value
		return len(value) <= MaxName
	}
	return fixed[f.Var] != nil && slices.Contains(fixed[f.Var], value)
}

// fixed are the fields that have one meaning here, and the values that say it.
var fixed = map[string][]string{
	"pubsub#notification_type":       {"headline"},
	"pubsub#publish_model":           {"publishers"},
	"pubsub#notify_config":           {"0", "false"},
	"pubsub#notify_sub":              {"0", "false"},
	"pubsub#presence_based_delivery": {"0", "false"},
	"pubsub#purge_offline":           {"0", "false"},
	"pubsub#item_expire":             {"max"},
	"pubsub#itemreply":               {"owner"},
	"pubsub#node_type":               {"leaf"},
	"pubsub#subscribe":               {"1", "true"},
	"pubsub#publish_full_node":       {"drop_oldest"},
}

func (c *Config) setMax(value string) bool {
	if value == "max" {
		c.Max = asMany
		return true
	}
	n, err := strconv.Atoi(value)
	c.Max = min(n, asMany)
	return err == nil && n >= 1
}

func flag(to *bool, value string) bool {
	*to = value == "1" || value == "true" // XEP-0004 §3.3
	return *to || value == "0" || value == "false"
}

func flip(to *bool, value string) bool {
	var positive bool
	ok := flag(&positive, value)
	*to = !positive
	return ok
}

// Form is the configuration as the owner sees it (XEP-0060 §8.2.2).
func (c Config) Form() stanza.Form {
	truth := func(b bool) []string { return []string{map[bool]string{true: "1", false: "0"}[b]} }
	top := strconv.Itoa(c.Max)
	if c.Max == asMany {
		top = "max"
	}
	return stanza.Form{Type: "form", About: nodeConfig, Fields: []stanza.Field{
		{Var: "pubsub#title", Type: "text-single", Values: []string{c.Title}},
		{Var: "pubsub#type", Type: "text-single", Values: []string{c.Schema}},
		{Var: "pubsub#access_model", Type: "list-single", Values: []string{c.Access}, Options: []string{Open, Presence, Roster, Whitelist}},
		{Var: "pubsub#roster_groups_allowed", Type: "list-multi", Values: c.Groups},
		{Var: "pubsub#max_items", Type: "text-single", Values: []string{top}},
		{Var: "pubsub#persist_items", Type: "boolean", Values: truth(!c.Transient)},
		{Var: "pubsub#send_last_published_item", Type: "list-single", Values: []string{c.Last}, Options: []string{never, onSub, onSubPresence}},
		{Var: "pubsub#deliver_notifications", Type: "boolean", Values: truth(!c.Silent)},
		{Var: "pubsub#deliver_payloads", Type: "boolean", Values: truth(!c.Bare)},
		{Var: "pubsub#notify_retract", Type: "boolean", Values: truth(!c.QuietRetract)},
		{Var: "pubsub#notify_delete", Type: "boolean", Values: truth(c.AnnounceDrop)},
	}}
}

// Meta is what everybody who may see the node is told of it (XEP-0060 §5.4).
func (n *Node) Meta() stanza.Form {
	return stanza.Form{Type: "result", About: metaData, Fields: []stanza.Field{
		{Var: "pubsub#type", Type: "text-single", Values: []string{n.Config.Schema}},
		{Var: "pubsub#title", Type: "text-single", Values: []string{n.Config.Title}},
		{Var: "pubsub#access_model", Type: "list-single", Values: []string{n.Config.Access}},
		{Var: "pubsub#num_items", Type: "text-single", Values: []string{strconv.Itoa(len(n.Items))}},
	}}
}
