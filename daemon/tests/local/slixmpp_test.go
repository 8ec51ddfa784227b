package local

import (
	"testing"

	"quorate.org/daemon/internal/lab/labtest"
)

func TestM2_2_Slixmpp(t *testing.T) { labtest.Slixmpp(t, labtest.Cluster(t)) }
