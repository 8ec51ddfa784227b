package router

// MsgType is the kind of a message between a leader and an edge.
type MsgType uint8

// The messages. Every one carries the epoch it belongs to, and a receiver
// ignores any of another epoch than its own (rule 1); only Open moves an edge
// forward.
const (
	MsgOpen    MsgType = iota + 1 // leader: a new epoch begins; stop and report
	MsgSync                       // edge: what it holds
	MsgGo                         // leader: resume
	MsgFrame                      // edge: a stanza to route
	MsgDeliver                    // leader: a stanza for one of your sessions
	MsgAnswer                     // edge: what became of a delivery
	MsgResolve                    // leader: a frame of yours is done
	MsgBind                       // edge: a session asks for its address
	MsgBound                      // leader: granted
	MsgUnbind                     // edge: a session ended
	MsgClose                      // leader: nothing more will come for this session; close it
	MsgClosed                     // edge: it is closed and everything of it is answered
	MsgPing                       // leader: are you with me
	MsgPong                       // edge: yes
	MsgStop                       // leader: its reign is over
	MsgForget                     // leader: the store knows what this closed session took from it
	MsgAlive                      // leader: which edges are left; the others' users are gone (rule 12)

	MsgManage   // edge: a session is to be resumable (XEP-0198)
	MsgManaged  // leader: what it is given from here on has a second copy
	MsgAcked    // edge: how much its client has
	MsgReached  // edge: which stanza of its client is the last that was given to any leader
	MsgResume   // edge: a client asks for a session by its token
	MsgResumed  // leader: it is a session of this edge; or why it can not be resumed
	MsgHalt     // leader: another edge takes the session; end its stream
	MsgHalted   // edge: its client sends nothing more
	MsgYield    // leader: nothing more will come for the session; leave it to the other edge
	MsgYielded  // edge: everything of it is answered
	MsgAdopt    // leader: a session is yours
	MsgAdopted  // edge: so it is
	MsgDrop     // leader: another edge has the session; forget it
	MsgSettle   // leader: a frame of a session is done that is in no living source
	MsgMirror   // leader: a change of what its holder keeps (rule 11)
	MsgMirrored // holder: kept
	MsgWaits    // edge: whether it waits for its client to resume it
)

// FromEdge reports whether a message is for the leader's side.
func (t MsgType) FromEdge() bool {
	switch t {
	case MsgSync, MsgFrame, MsgAnswer, MsgBind, MsgUnbind, MsgClosed, MsgPong,
		MsgManage, MsgAcked, MsgReached, MsgResume, MsgHalted, MsgYielded, MsgAdopted, MsgMirrored, MsgWaits:
		return true
	}
	return false
}

// Verdict is an owner's answer to a delivery.
type Verdict uint8

// The verdicts (rule 7).
const (
	Accepted Verdict = iota
	Gone             // no such session here
	Full             // its outbox bound is reached
	Hidden           // it does not show itself to the sender
	Busy             // it has no room for a paced part now
)

// Msg is one message. Which fields hold depends on Type.
type Msg struct {
	Type    MsgType
	Verdict Verdict
	Epoch   Epoch
	ID      FrameID // Answer, Resolve
	Sub     uint64  // Deliver, Answer: 0, or the hash of what a derived stanza is
	SID     SID     // Deliver, Answer, Bind, Bound, Unbind, Close, Closed, Forget
	Stamp   Stamp   // Bound
	Reason  string  // Close: stream error condition, "" for none; Bound: why it is refused
	JID     string  // Bind
	Kind    Kind    // Bind
	Carbons bool    // Bind
	Token   string  // Manage, Resume
	N       uint64  // Acked: of the client; Waits: 1 if so; Reached, Halted: lane number; Resumed: count of its stanzas; Mirror, Mirrored: number
	For     SID     // Resumed, Adopt: the one asked for; who asked
	Claim   *Claim  // Manage, Adopt
	Mirror  *Mirror // Mirror
	Frame   *Frame  // Frame, Deliver
	Sync    *Sync   // Sync
	Go      *Go     // Go; Alive, of which it uses Live and Sure
}

// Kind tells a client session from a component's.
type Kind uint8

// The kinds of session.
const (
	Client    Kind = iota
	Component      // its JID is a bare domain and it receives all of that domain
)

// Claim is one session as an edge reports it.
type Claim struct {
	SID       SID
	Kind      Kind
	JID       string
	Stamp     Stamp
	Available bool
	Priority  int8
	Closing   bool // its stream has ended; the leader must send Close

	Interested bool   // it has asked for its roster (RFC 6121 §2.2)
	Offline    uint64 // the last message of the offline store that it took
	Presence   []byte // its last broadcast presence; nil when not available
	Carbons    bool   // it wants copies of the account's messages (XEP-0280)
	Blocklist  bool   // it has asked for the block list and is told of changes (XEP-0191)

	Token    string // by which it is resumed; "" when it is not resumable
	Gen      uint32 // how often it has moved to another edge
	Patience int64  // how long it waits for its client, in milliseconds
	Bound    int    // bytes that its client may miss
	Waits    bool   // it has no stream, as far as the leader was told
	*Record         // of a resumable one
}

// Seen is the exact set of what an edge accepted from one source.
type Seen struct {
	Inc  Inc
	Low  uint64
	Seqs []uint64 // accepted with sub 0
	Subs []SubSeq // accepted with another sub
}

// SubSeq is one accepted derived stanza.
type SubSeq struct{ Seq, Sub uint64 }

// Sync is an edge's report at the opening of an epoch.
type Sync struct {
	Inc    Inc
	Claims []Claim
	Seen   []Seen
	Held   *Held // what it keeps for a leader; nil for nothing
}

// Held is what the holder keeps of a leader's own resumable sessions (rule 11).
type Held struct {
	Epoch  Epoch
	Node   NodeID // the leader's
	Inc    Inc
	Claims []Claim
}

// MirrorKind is what changes in a Held.
type MirrorKind uint8

// The changes.
const (
	MirrorReset   MirrorKind = iota + 1 // all of it: Held
	MirrorVoid                          // another one keeps it
	MirrorBegin                         // a session: Claim
	MirrorPut                           // a stanza for it: Frame, Sub
	MirrorTook                          // one from it: Frame
	MirrorDone                          // that is resolved: ID
	MirrorAcked                         // how much its client has: N
	MirrorReached                       // which stanza from it was the last: N
	MirrorEnd                           // it has ended
)

// waited reports whether something goes on only when the holder has the change.
// The others only let it forget.
func (k MirrorKind) waited() bool {
	return k == MirrorReset || k == MirrorBegin || k == MirrorPut || k == MirrorTook
}

// Mirror is one change of a Held.
type Mirror struct {
	Kind  MirrorKind
	SID   SID
	Held  *Held
	Claim *Claim
	Frame *Frame
	Sub   uint64
	ID    FrameID
	N     uint64
}

// Go resumes an edge: which of its frames are done, and which incarnations
// are dead so that their sets can be forgotten.
type Go struct {
	Done []uint64
	Main []uint64 // messages that their recipient has, while others wait for a copy
	Part []uint64 // of which other parts, or the answer, were accepted
	Dead []Inc
	Live []Inc // the edges that are there or may still return
	Sure bool  // Live is all of them
	Kept []SID // sessions of other starts than those, which have moved in time
	Lost []SID // sessions of this edge that another one has by now
}

// Out takes the messages a machine sends. Messages to one node stay in order.
type Out interface {
	Send(to NodeID, m Msg)
}
