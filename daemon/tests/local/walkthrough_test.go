package local

import (
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

// The walkthrough, typed line by line, ends with one leader and two followers.
func TestM2_1_SharedCertificate(t *testing.T) { playWalkthrough(t, lab.Shared) }
func TestM2_1_ThreeCertificates(t *testing.T) { playWalkthrough(t, lab.Three) }

func playWalkthrough(t *testing.T, v lab.Variant) {
	began := time.Now()
	labtest.Form(t, v)
	took := time.Since(began)
	t.Logf("M2.1 %v: one LEADER and two FOLLOWERs in %.1f s", v, took.Seconds())
	t.Logf("M2.13 lab up --local: %.1f s, walkthrough included", took.Seconds())
	if took > 20*time.Second {
		t.Errorf("the lab took %v, want 20 s at most", took)
	}
}
