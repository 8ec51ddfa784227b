//go:build faults

package forward

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"quorate.org/daemon/replica"
	"quorate.org/daemon/router"
)

// armed is what the file fault in the runtime directory names: a step, and the effect
// that has to be there, by the command that brings it and by a word of the stanza that
// asks for it.
type armed struct{ step, op, word string }

// seen are the frames that asked for the effect: what is told of them later has their
// number only.
var seen struct {
	mu  sync.Mutex // guards ids
	ids map[router.FrameID]bool
}

// await ends the process at once when the effect that is armed comes to its step: as
// the power would, with nothing written or sent behind it. The file goes first, so that
// the next start lives. No image is built with this.
func await(step string, what any) {
	file := filepath.Join(os.Getenv("RUNTIME_DIRECTORY"), "fault")
	text, err := os.ReadFile(file)
	if err != nil {
		return
	}
	parts := strings.SplitN(string(text), " ", 3)
	if len(parts) != 3 {
		return
	}
	a := armed{parts[0], parts[1], parts[2]}
	if !a.concerns(what) || a.step != step || os.Remove(file) != nil {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// concerns reports whether it is about the effect.
func (a armed) concerns(what any) bool {
	switch w := what.(type) {
	case []replica.Command:
		return slices.ContainsFunc(w, func(c replica.Command) bool { return string(c.Op) == a.op })
	case router.Msg:
		seen.mu.Lock()
		defer seen.mu.Unlock()
		if w.Type != router.MsgFrame {
			return seen.ids[w.ID]
		}
		if !bytes.Contains(w.Frame.Raw, []byte(a.word)) {
			return false
		}
		if seen.ids == nil {
			seen.ids = map[router.FrameID]bool{}
		}
		seen.ids[w.Frame.ID] = true
		return true
	}
	return false
}
