package archive

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
)

// Namespaces.
const (
	NS         = "urn:xmpp:mam:2"
	NSExtended = NS + "#extended" // §4.1
	NSIDs      = "urn:xmpp:sid:0" // XEP-0359
)

// Entry is one message of one account's archive.
type Entry struct {
	Clock uint64 // its place: the store's clock when it was filed
	ID    string // what it is called (XEP-0313 §3.5): 24 hexadecimal digits
	Time  int64  // when the server took it, Unix milliseconds
	With  string // the other side's address
	Raw   []byte // the message as it was sent
}

// idBytes is how much of a hash a name has.
const idBytes = 12

// Name returns the name of the message that is filed at a clock of a lineage, and
// was the frame seq of a source. Nobody can tell from it where a message stands
// or how many there are (XEP-0359 §5), nor guess one: the source is random.
func Name(lineage string, clock uint64, source [16]byte, seq uint64) string {
	h := sha256.New()
	h.Write([]byte(lineage))
	h.Write(source[:])
	h.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, clock), seq))
	return hex.EncodeToString(h.Sum(nil)[:idBytes])
}

// Filing is what a command files: one message, in the archives of one or two
// accounts.
type Filing struct {
	Sides []Side `json:"sides"`
	Time  int64  `json:"time"`
	Raw   []byte `json:"raw"`
	Bounds
}

// Side is one account whose archive a message goes to.
type Side struct {
	Owner string `json:"owner"` // bare address
	With  string `json:"with"`
}

// Bounds are how much an archive keeps, as the leader's settings say it.
type Bounds struct {
	Keep  int   `json:"keep"`            // messages
	Bytes int64 `json:"bytes,omitempty"` // of them together, as a file has them; 0 for no bound
	Since int64 `json:"since"`           // none that are older, Unix milliseconds; 0 for no bound
}

// Filed is what the state remembers of a filing, while its frame may come again.
type Filed struct {
	ID string   `json:"id"`
	By []string `json:"by,omitempty"` // in whose archives it is
}

// Has reports whether a message is in an account's archive.
func (f Filed) Has(bare string) bool {
	return slices.Contains(f.By, bare)
}

// Write is what the file that holds the archives is told: an entry, whom for, and
// what stays; or, without an entry, that an account is gone (Drop), or that
// nothing before Bounds.Since stays of any (neither).
type Write struct {
	Owner string
	Entry Entry
	Drop  bool
	Bounds
}

// Policy is what the settings of a node say of archives.
type Policy struct {
	Default  string // whose messages are kept of accounts that say nothing: Always, Roster or Never
	Days     int    // how long; 0 for no bound
	Messages int    // how many of an account
	Bytes    int    // … and how large they are together; 0 for no bound
	Page     int    // how many a query is given at once; 0 for DefaultPage
}

// LimitPage names the bound of a page.
const LimitPage = "page"

// Bounds returns what is kept at a time.
func (p Policy) Bounds(now int64) Bounds {
	b := Bounds{Keep: p.Messages, Bytes: int64(p.Bytes)}
	if p.Days > 0 {
		b.Since = now - int64(p.Days)*86_400_000
	}
	return b
}
