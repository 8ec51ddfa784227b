package health

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Clock is the state of the system clock. A wrong clock looks like an expired
// certificate, so status and health tell.
type Clock struct {
	Time         string  `json:"time"` // RFC 3339
	Synchronized bool    `json:"synchronized"`
	OffsetMs     float64 `json:"offset_ms"` // the correction under way, in milliseconds
}

// ReadClock asks the kernel, which the time service keeps informed (adjtimex(2)).
func ReadClock() (Clock, error) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return Clock{}, fmt.Errorf("reading the clock's state: %w", err)
	}
	offset := float64(t.Offset) / 1e3
	if t.Status&unix.STA_NANO != 0 {
		offset /= 1e3
	}
	return Clock{
		Time:         time.Now().Format(time.RFC3339),
		Synchronized: state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0,
		OffsetMs:     offset,
	}, nil
}

// String is the clock in words.
func (c Clock) String() string {
	if !c.Synchronized {
		return c.Time + ", not synchronised"
	}
	return fmt.Sprintf("%s, synchronised, offset %.3f ms", c.Time, c.OffsetMs)
}
