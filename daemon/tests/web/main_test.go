package web

import (
	"os"
	"testing"

	"quorate.org/daemon/internal/lab/labtest"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }
