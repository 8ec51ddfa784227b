package web

import (
	"os"
	"path/filepath"
	"testing"

	"quorate.org/daemon/internal/lab/labtest"
)

// TestPictures makes the pictures that the documents show, and keeps them where
// it is told to:
//
//	QUORATE_SCREENSHOTS=docs/images go test ./daemon/tests/web -run TestPictures
func TestPictures(t *testing.T) {
	dir := os.Getenv("QUORATE_SCREENSHOTS")
	switch {
	case dir == "":
		dir = t.TempDir()
	case !filepath.IsAbs(dir):
		dir = filepath.Join(labtest.Root(), dir)
	}
	labtest.Pictures(t, labtest.Cluster(t), dir)
}
