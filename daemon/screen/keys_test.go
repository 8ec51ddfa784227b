package screen

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"quorate.org/daemon/settings"
)

// What the port shows is told in two lines, as a browser shows it in one.
func TestPresented(t *testing.T) {
	s := httptest.NewUnstartedServer(nil)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	v := settings.Values{Web: settings.Web{Port: s.Listener.Addr().(*net.TCPAddr).Port}}
	lines := presented(t.Context(), v)
	sum := fmt.Sprintf("%X", sha256.Sum256(s.Certificate().Raw))
	if len(lines) != 2 || len(lines[0]) != len("SHA-256 ")+48 || len(lines[1]) != 47 ||
		strings.ReplaceAll(strings.TrimPrefix(strings.Join(lines, ""), "SHA-256 "), ":", "") != sum {
		t.Errorf("%q, want %s", lines, sum)
	}
	s.Close()
	if lines := presented(t.Context(), v); lines != nil {
		t.Errorf("a port that is shut presents %q", lines)
	}
}
