package consensus

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

func TestLogger(t *testing.T) {
	var out bytes.Buffer
	l := newLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	for _, c := range []struct {
		log  func()
		want string
	}{
		{func() { l.Error("failed to heartbeat to", "peer", raft.ServerAddress("b")) }, `level=WARN msg="raft: failed to heartbeat to" peer=b`},
		{func() { l.Error("failed to heartbeat to", "peer", raft.ServerAddress("b")) }, "level=DEBUG"},
		{func() { l.Named("x").Error("failed to heartbeat to", "peer", raft.ServerAddress("b")) }, "level=DEBUG"},
		{func() { l.Error("failed to heartbeat to", "peer", raft.ServerAddress("c")) }, "level=WARN"},
		{func() { l.Warn("heartbeat timeout reached") }, "level=INFO"},
		{func() { l.Info("entering follower state") }, "level=DEBUG"},
		{func() { l.With("id", "7").Warn("slow") }, "id=7"},
		{func() { l.Info("configuration", "servers", hclog.Fmt("%+v", "abc")) }, "abc"},
	} {
		out.Reset()
		c.log()
		if !strings.Contains(out.String(), c.want) {
			t.Errorf("got %q, want %q in it", out.String(), c.want)
		}
	}
}

func TestRepeatedLinesComeBackAfterAWhile(t *testing.T) {
	r := &recent{at: map[string]time.Time{}}
	start := time.Unix(0, 0)
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{{0, false}, {time.Second, true}, {quiet - 1, true}, {quiet, false}, {quiet + time.Second, true}} {
		if got := r.repeated("line", start.Add(c.after)); got != c.want {
			t.Errorf("after %v: repeated = %v", c.after, got)
		}
	}
	r.repeated("other", start.Add(3*quiet))
	if len(r.at) != 1 {
		t.Errorf("%d lines remembered, want only the newest", len(r.at))
	}
}
