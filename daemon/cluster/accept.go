package cluster

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"

	"quorate.org/daemon/fault"
)

// acceptRequest asks whether a handshake with these certificates, leaf first,
// would be accepted.
type acceptRequest struct {
	Chain [][]byte `json:"chain"` // DER
}

type acceptAnswer struct {
	Refused *fault.Error `json:"refused,omitempty"`
}

// maxChain is how many certificates a peer is asked about at once; a handshake
// has three or four.
const maxChain = 16

// Verdict is what one member says of a certificate.
type Verdict struct {
	Node    string       // host name
	Refused *fault.Error // why it would not accept it
	Err     error        // it was not asked, or gave no answer
}

// WouldAccept asks every other member whether it would accept a certificate of
// this node in a handshake, leaf first. A node in no cluster has nobody to ask.
func (c *Cluster) WouldAccept(ctx context.Context, chain []*x509.Certificate) []Verdict {
	if c.record.Mode != Joined {
		return nil
	}
	var q acceptRequest
	for _, cert := range chain[:min(len(chain), maxChain)] {
		q.Chain = append(q.Chain, cert.Raw)
	}
	var list []Verdict
	for _, r := range askAll[acceptAnswer](ctx, c, callAccept, q) {
		list = append(list, Verdict{r.member.Name, r.body.Refused, r.err})
	}
	return list
}

// answerAccept decides as a handshake does, by the trust of this moment.
func (c *Cluster) answerAccept(body []byte) ([]byte, error) {
	var q acceptRequest
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, fmt.Errorf("decoding certificates: %w", err)
	}
	if len(q.Chain) == 0 || len(q.Chain) > maxChain {
		return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("%d certificates are none or too many", len(q.Chain)))
	}
	var chain []*x509.Certificate
	for _, der := range q.Chain {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fault.New(fault.InvalidArgument, "a certificate can not be read")
		}
		chain = append(chain, cert)
	}
	var a acceptAnswer
	if err := c.cfg.Trust(chain); err != nil && !errors.As(err, &a.Refused) {
		a.Refused = fault.New(fault.Internal, err.Error())
	}
	return json.Marshal(a)
}

// Rejudge ends the links to members that the trust does not accept any more. It
// is to be called when the trust has changed.
func (c *Cluster) Rejudge() { c.mesh.Rejudge() }
