package logs

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"quorate.org/daemon/fault"
)

// Query says which entries to read. The zero value is the whole journal.
type Query struct {
	Unit     string    // a name of Units, another systemd unit or identifier; empty is all
	Priority int       // the least urgent to show, 1 alert to 7 debug; 0 is all
	Text     string    // only entries whose line holds it, in any case
	Lines    int       // begin with at most that many of the last; 0 is all, negative none
	Follow   bool      // go on with new entries until the context ends
	Since    time.Time // not before; zero is the beginning
	Until    time.Time // not after; zero is now
	After    string    // behind the entry of this cursor
}

// Inputs become arguments of journalctl, behind "=" and so never options; the
// forms keep what is no name or cursor from becoming a confusing answer.
var (
	unitForm   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:@\\-]{0,254}$`) })
	cursorForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9A-Za-z=;_-]{1,512}$`) })
)

func (q Query) check() error {
	switch {
	case q.Unit != "" && !unitForm().MatchString(q.Unit):
		return fault.Mend(fault.InvalidName, fmt.Sprintf("%q is not the name of a unit", q.Unit), "use one of "+strings.Join(Units(), ", "))
	case q.Priority < 0 || q.Priority > 7:
		return fault.Mend(fault.InvalidArgument, fmt.Sprintf("%d is not a level", q.Priority), "use a number from 1 (alert) to 7 (debug)")
	case q.After != "" && !cursorForm().MatchString(q.After):
		return fault.New(fault.InvalidArgument, "the place in the journal to go on from has the wrong form")
	}
	return nil
}

// arguments returns the options and matches of journalctl that hold for every
// way of reading.
func (q Query) arguments() []string {
	var args []string
	if q.Priority > 0 && q.Priority < 7 {
		args = append(args, "--priority=0.."+strconv.Itoa(q.Priority))
	}
	if !q.Since.IsZero() {
		args = append(args, "--since="+stamp(q.Since))
	}
	if !q.Until.IsZero() {
		args = append(args, "--until="+stamp(q.Until))
	}
	return args
}

// stamp is a time as systemd.time(7) reads it: seconds since 1970 with a
// fraction, free of any time zone.
func stamp(t time.Time) string {
	micro := t.UnixMicro()
	return fmt.Sprintf("@%d.%06d", micro/1e6, micro%1e6)
}
