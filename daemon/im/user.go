package im

import (
	"maps"
	"slices"
)

// Bounds beside the Limits.
const (
	MaxName = 1023 // bytes of a handle or of a group's name (RFC 6121 §2.3.3)
	maxGone = 64   // removals that are remembered for versioning
)

// User is what is durable of one account: its roster and what waits for it. A
// nil User is an account with nothing. Users are values; functions that change
// one return another.
type User struct {
	Ver     uint64            `json:"ver,omitempty"`     // log index of the last change of the roster
	Items   map[string]Item   `json:"items,omitempty"`   // by the contact's prepared address
	Gone    map[string]uint64 `json:"gone,omitempty"`    // removed contacts and the version of their removal
	Floor   uint64            `json:"floor,omitempty"`   // of versions before this one not every removal is known
	Offline []Message         `json:"offline,omitempty"` // in the order of their arrival
	Last    *Last             `json:"last,omitempty"`    // when they were last there; nil for not known
	Private map[string][]byte `json:"private,omitempty"` // XML by namespace and name (XEP-0049)
	VCard   []byte            `json:"vcard,omitempty"`   // nil for none (XEP-0054)
	Blocked []string          `json:"blocked,omitempty"` // prepared addresses, sorted (XEP-0191)
	Prefs   *Prefs            `json:"prefs,omitempty"`   // of the archive; nil where the user has said nothing
	Targets []Target          `json:"targets,omitempty"` // that are given notice of messages (XEP-0357)
}

// Item is one contact.
type Item struct {
	Name    string   `json:"name,omitempty"`
	Groups  []string `json:"groups,omitempty"`
	State   State    `json:"state,omitempty"`
	Listed  bool     `json:"listed,omitempty"`  // in the roster; else only a request of theirs is noted (RFC 6121 §3.1.3)
	Ver     uint64   `json:"ver,omitempty"`     // log index of the last change that the roster shows
	Request []byte   `json:"request,omitempty"` // the request that waits for an answer, with PendingIn
}

// Message is a message that waits for its recipient (XEP-0160).
type Message struct {
	Index uint64 `json:"index"` // log index of its arrival, its name
	Raw   []byte `json:"raw"`   // delay included
}

// Contact returns an item; the zero Item for a stranger.
func (u *User) Contact(jid string) Item {
	if u == nil {
		return Item{}
	}
	return u.Items[jid]
}

// Empty reports whether there is nothing to keep.
func (u *User) Empty() bool {
	return u == nil || u.Ver == 0 && len(u.Items) == 0 && len(u.Offline) == 0 && len(u.Blocked) == 0 && u.Last == nil && len(u.Private)+len(u.VCard)+len(u.Targets) == 0 && u.Prefs == nil
}

// Contacts yields the addresses of the items whose state has any of the bits,
// sorted.
func (u *User) Contacts(any State) []string {
	if u == nil {
		return nil
	}
	var list []string
	for jid, it := range u.Items {
		if it.State&any != 0 {
			list = append(list, jid)
		}
	}
	slices.Sort(list)
	return list
}

// fork returns a copy whose maps may be written to.
func (u *User) fork() *User {
	if u == nil {
		return &User{Items: map[string]Item{}}
	}
	n := *u
	n.Items, n.Gone = maps.Clone(u.Items), maps.Clone(u.Gone)
	if n.Items == nil {
		n.Items = map[string]Item{}
	}
	return &n
}

// put enters an item and, where the roster shows the difference, gives it the
// version. It reports whether the roster shows it: whether a push is due.
func (u *User) put(index uint64, jid string, it Item) (shown bool) {
	old := u.Items[jid]
	shown = it.Listed && (!old.Listed || old.Name != it.Name || !slices.Equal(old.Groups, it.Groups) ||
		old.State.visible() != it.State.visible())
	if shown {
		it.Ver, u.Ver = index, index
		delete(u.Gone, jid)
	}
	if it.State&PendingIn == 0 {
		it.Request = nil
	}
	if !it.Listed && it.State == None {
		delete(u.Items, jid)
	} else {
		u.Items[jid] = it
	}
	return shown
}

// forget takes an item out of the roster and remembers its removal.
func (u *User) forget(index uint64, jid string) {
	it := u.Items[jid]
	it.Name, it.Groups, it.Listed = "", nil, false
	it.State &= PendingIn // a request stays unanswered; a pre-approval ends with the item (§3.4.2)
	u.put(index, jid, it)
	if u.Gone == nil {
		u.Gone = map[string]uint64{}
	}
	u.Gone[jid], u.Ver = index, index
	if len(u.Gone) > maxGone {
		u.dropOldest()
	}
}

func (u *User) dropOldest() {
	var oldest string
	for jid, ver := range u.Gone {
		if oldest == "" || ver < u.Gone[oldest] {
			oldest = jid
		}
	}
	u.Floor = max(u.Floor, u.Gone[oldest])
	delete(u.Gone, oldest)
}
