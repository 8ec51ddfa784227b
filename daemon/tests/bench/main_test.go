package bench

import (
	"fmt"
	"os"
	"runtime/debug"
	"testing"

	"quorate.org/daemon/internal/lab/labtest"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == bare {
		fmt.Fprintln(os.Stderr, serveBare(os.Args[2]))
		os.Exit(1)
	}
	debug.SetGCPercent(400) // the processors are the servers'
	os.Exit(labtest.Main(m))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
