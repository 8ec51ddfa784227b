package timezone

import "testing"

func TestIsName(t *testing.T) {
	for zone, want := range map[string]bool{
		"UTC": true, "Europe/Vienna": true, "America/Argentina/Buenos_Aires": true, "Etc/GMT+12": true, "America/Port-au-Prince": true, "EST5EDT": true,
		"": false, "/UTC": false, "UTC/": false, "Europe//Vienna": false, "../UTC": false, "Europe/../UTC": false, "./UTC": false,
		"a/b/c/d": false, "Europe/Vienna\n": false, "posix rules": false,
	} {
		if got := IsName(zone); got != want {
			t.Errorf("%q is a name: %v, want %v", zone, got, want)
		}
	}
}
