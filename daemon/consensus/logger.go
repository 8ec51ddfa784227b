package consensus

import (
	"context"
	"io"
	"log"
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// quiet is how long a repeated warning about the same peer is kept at debug
// level: raft tells about an absent follower eight times a second.
const quiet = 30 * time.Second

// logger is raft's hclog.Logger over slog.
type logger struct {
	slog    *slog.Logger
	name    string
	implied []any
	recent  *recent
}

var _ hclog.Logger = (*logger)(nil)

func newLogger(l *slog.Logger) *logger {
	return &logger{slog: l, recent: &recent{at: map[string]time.Time{}}}
}

// Log implements hclog.Logger.
func (l *logger) Log(level hclog.Level, msg string, args ...any) {
	to := slogLevel(level)
	if to >= slog.LevelWarn && l.recent.repeated(msg+peerOf(args), time.Now()) {
		to = slog.LevelDebug
	}
	if !l.slog.Enabled(context.Background(), to) {
		return
	}
	for i, a := range args {
		if f, ok := a.(hclog.Format); ok && len(f) > 0 {
			args[i] = f[1:] // hclog's deferred Sprintf: keep the values
		}
	}
	l.slog.Log(context.Background(), to, "raft: "+msg, args...)
}

// slogLevel maps each level to the one below, because the owner of the Node
// tells of leadership and membership in the fixed vocabulary: what raft calls an
// error is a peer that does not answer, and no error of this node.
func slogLevel(level hclog.Level) slog.Level {
	switch level {
	case hclog.Warn:
		return slog.LevelInfo
	case hclog.Error:
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// peerOf returns the peer a log line is about.
func peerOf(args []any) string {
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] == "peer" {
			if s, ok := args[i+1].(interface{ String() string }); ok {
				return s.String()
			}
			return slog.AnyValue(args[i+1]).String()
		}
	}
	return ""
}

// recent remembers when a line was last told.
type recent struct {
	mu sync.Mutex // guards at
	at map[string]time.Time
}

func (r *recent) repeated(line string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, ok := r.at[line]; ok && now.Sub(last) < quiet {
		return true
	}
	for k, last := range r.at {
		if now.Sub(last) >= quiet {
			delete(r.at, k)
		}
	}
	r.at[line] = now
	return false
}

// The rest of hclog.Logger.

func (l *logger) Trace(msg string, args ...any) { l.Log(hclog.Trace, msg, args...) }
func (l *logger) Debug(msg string, args ...any) { l.Log(hclog.Debug, msg, args...) }
func (l *logger) Info(msg string, args ...any)  { l.Log(hclog.Info, msg, args...) }
func (l *logger) Warn(msg string, args ...any)  { l.Log(hclog.Warn, msg, args...) }
func (l *logger) Error(msg string, args ...any) { l.Log(hclog.Error, msg, args...) }

func (l *logger) IsTrace() bool { return false }
func (l *logger) IsDebug() bool { return l.slog.Enabled(context.Background(), slog.LevelDebug) }
func (l *logger) IsInfo() bool  { return l.IsDebug() }
func (l *logger) IsWarn() bool  { return true }
func (l *logger) IsError() bool { return true }

func (l *logger) ImpliedArgs() []any { return l.implied }
func (l *logger) Name() string       { return l.name }

// With returns a logger that adds fields to every line.
func (l *logger) With(args ...any) hclog.Logger {
	return &logger{l.slog.With(args...), l.name, append(l.implied[:len(l.implied):len(l.implied)], args...), l.recent}
}

// Named returns the same logger: there is one subsystem.
func (l *logger) Named(name string) hclog.Logger {
	return &logger{l.slog, name, l.implied, l.recent}
}

// ResetNamed is Named.
func (l *logger) ResetNamed(name string) hclog.Logger { return l.Named(name) }

// SetLevel does nothing: slog's handler has the level.
func (l *logger) SetLevel(hclog.Level) {}

// GetLevel returns the lowest level that is shown.
func (l *logger) GetLevel() hclog.Level {
	if l.IsDebug() {
		return hclog.Debug
	}
	return hclog.Warn
}

// StandardLogger returns a log.Logger that writes lines at debug level.
func (l *logger) StandardLogger(*hclog.StandardLoggerOptions) *log.Logger {
	return slog.NewLogLogger(l.slog.Handler(), slog.LevelDebug)
}

// StandardWriter returns the writer of StandardLogger.
func (l *logger) StandardWriter(o *hclog.StandardLoggerOptions) io.Writer {
	return l.StandardLogger(o).Writer()
}
