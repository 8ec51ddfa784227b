package local

import (
	"testing"

	"quorate.org/daemon/internal/lab/labtest"
)

// A node configured only by quorate.toml and a reload.
func TestM2_9_FilesOnly(t *testing.T) {
	l, n := joiner(t, true)
	labtest.FilesOnly(t, l, n)
}
