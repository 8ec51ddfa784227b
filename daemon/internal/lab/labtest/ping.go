package labtest

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"quorate.org/daemon/internal/lab/flow"
)

// ping asks an entity whether it is there (XEP-0199) and returns how long the
// answer took.
func ping(ctx context.Context, p *flow.Peer, to string) (time.Duration, error) {
	answers := make(chan string, 1)
	p.Handle(func(elem []byte) {
		if bytes.HasPrefix(elem, []byte("<iq")) && bytes.Contains(elem, []byte("are-you-there")) {
			select {
			case answers <- string(elem):
			default: // one was enough
			}
		}
	})
	began := time.Now()
	if err := p.Send([]byte("<iq type='get' id='are-you-there' to='" + to + "'><ping xmlns='urn:xmpp:ping'/></iq>")); err != nil {
		return 0, err
	}
	select {
	case answer := <-answers:
		if !bytes.Contains([]byte(answer), []byte("result")) {
			return 0, fmt.Errorf("%s answers %s", to, answer)
		}
		return time.Since(began), nil
	case <-p.Done():
		return 0, p.Err()
	case <-time.After(15 * time.Second):
		return 0, fmt.Errorf("%s does not answer a ping", to)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}
