package web

import (
	"os"
	"path/filepath"
	"testing"

	"quorate.org/daemon/internal/lab/labtest"
)

// TestPictures makes the pictures of the documents anew:
//
//	QUORATE_SCREENSHOTS=docs/images go test ./daemon/tests/web -run TestPictures
func TestPictures(t *testing.T) {
	dir := os.Getenv("QUORATE_SCREENSHOTS")
	if dir == "" {
		t.Skip("QUORATE_SCREENSHOTS names no directory")
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(labtest.Root(), dir)
	}
	labtest.Pictures(t, labtest.Cluster(t), dir)
}
