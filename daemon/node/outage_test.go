package node

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/bus/bustest"
)

// A configuration service that is down is told of once, however often it is
// asked.
func TestOutageIsToldOnce(t *testing.T) {
	bustest.Start(t)
	conn, err := bus.Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	var log bytes.Buffer
	n := New(Config{Log: slog.New(slog.NewTextHandler(&log, nil))}, conn)
	for range 3 {
		n.readSettings(t.Context())
	}
	if told := strings.Count(log.String(), "reading the settings"); told != 1 {
		t.Errorf("told %d times:\n%s", told, log.String())
	}
}
