package gossip

import (
	"bytes"
	"context"
	"log"
	"log/slog"
)

// newLogger returns the log.Logger serf and memberlist write to. Their lines
// begin with a level in brackets.
func newLogger(to *slog.Logger) *log.Logger {
	if to == nil {
		to = slog.Default()
	}
	return log.New(lines{to}, "", 0)
}

// lines writes each line to slog.
type lines struct{ to *slog.Logger }

// levels maps theirs to ours, one step lower: a node that is gone or that stops
// without leaving is ordinary here, and the owner of the Pool tells of it.
var levels = []struct {
	mark  string
	level slog.Level
}{
	{"[ERR] ", slog.LevelWarn},
	{"[ERROR] ", slog.LevelWarn},
	{"[WARN] ", slog.LevelInfo},
	{"[INFO] ", slog.LevelDebug},
	{"[DEBUG] ", slog.LevelDebug},
}

// Write implements io.Writer.
func (l lines) Write(line []byte) (int, error) {
	text, level := bytes.TrimSpace(line), slog.LevelInfo
	for _, m := range levels {
		if rest, ok := bytes.CutPrefix(text, []byte(m.mark)); ok {
			text, level = rest, m.level
			break
		}
	}
	l.to.Log(context.Background(), level, string(text))
	return len(line), nil
}
