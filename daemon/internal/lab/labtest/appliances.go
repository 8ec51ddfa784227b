package labtest

import (
	"testing"

	"quorate.org/daemon/internal/lab"
)

// Appliances returns the shared cluster of three virtual machines of the given
// hardware, booted by the first caller from the image in a folder, formed by the
// walkthrough, and healthy. The first caller gets what the walkthrough printed as
// well. What a test does to a machine, the next one finds:
// hardware, version and state are as the test before left them.
func Appliances(t *testing.T, image string, hardware ...lab.Hardware) (l *lab.Lab, transcript string) {
	t.Helper()
	return machines(t, lab.Config{Image: image, Hardware: hardware})
}
