package im

// Kind is the type of a message (RFC 6121 §5.2.2).
type Kind uint8

// The kinds; one without a type or with an unknown one is Normal.
const (
	Normal Kind = iota
	Chat
	Groupchat
	Headline
	Error
)

// Fate is what becomes of a message (RFC 6121 §8.5.4).
type Fate uint8

// The fates, with their letters in table 1.
const (
	Ignore Fate = iota // S
	Bounce             // E
	Keep               // O: the offline store
	Direct             // D: the resource it is addressed to
	Most               // M: the most available resource
	Every              // A: every resource of non-negative priority
)

// Place is where the recipient of a message stands.
type Place struct {
	Account  bool // there is such an account
	Full     bool // the address names a resource
	Match    bool // and that is connected
	Positive bool // some available resource has a non-negative priority
}

// FateOf applies RFC 6121 §8.5.1 to §8.5.3. Where table 1 leaves a choice it
// bounces, so that the sender knows, and keeps what can be kept.
func FateOf(k Kind, p Place) Fate {
	switch {
	case p.Full && p.Match: // §8.5.3.1
		return Direct
	case k == Error: // §8.5.2.1.1, §8.5.2.2.1, §8.5.3.2.1
		return Ignore
	case p.Full && k != Chat: // §8.5.3.2.1
		return Bounce
	case k == Groupchat:
		return Bounce
	case k == Headline && p.Positive:
		return Every
	case k == Headline:
		return Ignore
	case p.Positive:
		return Most
	case p.Account:
		return Keep
	}
	return Bounce // §8.5.1
}
