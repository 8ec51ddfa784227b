package metrics

import (
	"context"
	"log/slog"
	"sync"
)

// Records counts what goes to the journal, by level, and by fault where a record
// names one.
type Records struct {
	mu     sync.Mutex // guards what follows
	levels map[slog.Level]float64
	faults map[string]float64
}

// NewRecords returns counts of nothing.
func NewRecords() *Records {
	return &Records{levels: map[slog.Level]float64{slog.LevelInfo: 0, slog.LevelWarn: 0, slog.LevelError: 0}, faults: map[string]float64{}}
}

// Handler counts what next is given.
func (r *Records) Handler(next slog.Handler) slog.Handler { return &counting{next, r} }

// Read tells the counts.
func (r *Records) Read(to *Readings) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for level, n := range r.levels {
		to.Put(Logged, n, level.String())
	}
	for code, n := range r.faults {
		to.Put(Told, n, code)
	}
}

func (r *Records) count(record slog.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.levels[record.Level]++
	record.Attrs(func(a slog.Attr) bool {
		named := a.Key == "fault" || a.Key == "code"
		if named {
			r.faults[a.Value.String()]++
		}
		return !named
	})
}

type counting struct {
	slog.Handler
	records *Records
}

func (c *counting) Handle(ctx context.Context, r slog.Record) error {
	c.records.count(r)
	return c.Handler.Handle(ctx, r)
}

func (c *counting) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &counting{c.Handler.WithAttrs(attrs), c.records}
}

func (c *counting) WithGroup(name string) slog.Handler {
	return &counting{c.Handler.WithGroup(name), c.records}
}
