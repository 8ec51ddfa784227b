package replica

import (
	"quorate.org/daemon/archive"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/im"
	"quorate.org/daemon/stanza"
)

// The operations on archives. What they say of messages is not part of the state:
// State.Writes tells it to whom keeps the file.
const (
	OpFile  Op = "file"  // Effect, Filing
	OpSweep Op = "sweep" // UpTo (Unix milliseconds)
	OpPrefs Op = "prefs" // Effect, User, Prefs
)

// File puts a message in the archives of accounts.
func File(e Effect, f archive.Filing) Command { return Command{Op: OpFile, Effect: &e, Filing: &f} }

// SweepArchives forgets the messages of all archives that are older than a time.
func SweepArchives(since int64) Command { return Command{Op: OpSweep, UpTo: uint64(since)} }

// SetPrefs sets whose messages a user's archive keeps.
func SetPrefs(e Effect, user string, p im.Prefs) Command {
	return Command{Op: OpPrefs, Effect: &e, User: user, Prefs: &p}
}

// Filed returns how the message of a frame is filed; ok is false if it is not.
func (s *State) Filed(e Effect) (f archive.Filed, ok bool) {
	f, ok = s.Applied[e.Inc].Filed[e.Seq]
	return f, ok
}

// file files a message once for its frame, which may have another effect beside.
func file(s *State, index uint64, c Command) (*State, error) {
	if c.Effect == nil || c.Filing == nil {
		return nil, fault.New(fault.InvalidArgument, "the command "+string(c.Op)+" names no stanza")
	}
	e := *c.Effect
	if _, done := s.Filed(e); done || e.Seq < s.Applied[e.Inc].Low {
		return s, nil
	}
	n := s.fork()
	n.Clock++
	entry := archive.Entry{Clock: n.Clock, ID: archive.Name(s.Lineage(), n.Clock, e.Inc, e.Seq), Time: c.Filing.Time, Raw: c.Filing.Raw}
	filed := archive.Filed{ID: entry.ID}
	for _, side := range c.Filing.Sides {
		if s.Account(side.Owner) && !filed.Has(side.Owner) {
			entry.With = side.With
			filed.By = append(filed.By, side.Owner)
			n.Writes = append(n.Writes, archive.Write{Owner: side.Owner, Entry: entry, Bounds: c.Filing.Bounds})
		}
	}
	n.LastFiled = n.Clock
	n.noteFiled(index, e, filed)
	return n, nil
}

// sweep has the archives forget. LastFiled stays: there may be more to forget
// later.
func sweep(s *State, _ uint64, c Command) (*State, error) {
	n := s.fork()
	n.Writes = append(n.Writes, archive.Write{Bounds: archive.Bounds{Since: int64(c.UpTo)}})
	return n, nil
}

func setPrefs(n *State, _ uint64, c Command) im.Outcome {
	if !n.Account(c.User) || c.Prefs == nil {
		return im.Outcome{Refused: stanza.ItemNotFound}
	}
	n.keep(c.User, im.SetPrefs(n.User(c.User), *c.Prefs))
	return im.Outcome{}
}
