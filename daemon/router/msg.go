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
)

// Verdict is an owner's answer to a delivery.
type Verdict uint8

// The verdicts (rule 7).
const (
	Accepted Verdict = iota
	Gone             // no such session here
	Full             // its outbox bound is reached
)

// Msg is one message. Which fields hold depends on Type.
type Msg struct {
	Type    MsgType
	Verdict Verdict
	Epoch   Epoch
	ID      FrameID // Answer, Resolve
	Sub     uint64  // Deliver, Answer: 0, or the hash of what a derived stanza is
	SID     SID     // Deliver, Answer, Bind, Bound, Unbind, Close, Closed
	Stamp   Stamp   // Bound
	Reason  string  // Close: stream error condition, "" for none; Bound: why it is refused
	JID     string  // Bind
	Kind    Kind    // Bind
	Frame   *Frame  // Frame, Deliver
	Sync    *Sync   // Sync
	Go      *Go     // Go
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
}

// Go resumes an edge: which of its frames are done, and which incarnations
// are dead so that their sets can be forgotten.
type Go struct {
	Done []uint64
	Dead []Inc
}

// Out takes the messages a machine sends. Messages to one node stay in order.
type Out interface {
	Send(to NodeID, m Msg)
}
