package edge

import (
	"io"
	"regexp"
	"strconv"
	"testing"

	"quorate.org/daemon/internal/lab/hostile"
)

// slowly is how long a case may be to be sent byte by byte too.
const slowly = 400

// TestHostile plays the corpus: each case at its stage, whole and byte by byte,
// gets the error that RFC 6120 §4.9.3 names, and nothing behind it.
func TestHostile(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{})
	cases := hostile.Corpus("meet.example")
	for i, c := range cases {
		for _, bytewise := range []bool{false, true} {
			if bytewise && len(c.Send) > slowly {
				continue
			}
			t.Run(string(c.Stage)+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				var p *peer
				switch c.Stage {
				case hostile.Bound:
					p = r.client("juliet", strconv.Itoa(2*i)+strconv.FormatBool(bytewise))
				default:
					p = r.dial(true)
				}
				p.t = t
				if c.Stage == hostile.Opened {
					p.send(clientOpen)
					p.until("</stream:features>")
				}
				go func() { // the server may not read all of it
					if !bytewise {
						io.WriteString(p.conn, c.Send)
						return
					}
					for j := range len(c.Send) {
						if _, err := io.WriteString(p.conn, c.Send[j:j+1]); err != nil {
							return
						}
					}
				}()
				got := p.until("</stream:stream>")
				if !regexp.MustCompile("<stream:error><(" + c.Want + ") xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>").MatchString(got) {
					t.Errorf("want %s, got %.2000q", c.Want, got)
				}
				if more := p.rest(); more != "" {
					t.Errorf("behind the end of the stream: %q", more)
				}
			})
		}
	}
	if len(cases) < 80 {
		t.Errorf("%d cases", len(cases))
	}
}
