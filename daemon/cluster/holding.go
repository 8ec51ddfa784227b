package cluster

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/replica"
)

// Entry is a call bridge secret in this node's own settings.
type Entry struct {
	replica.CallBridge
	Setting string // the key it stands under
}

// Held is one call bridge as a member has it. The digest stands for the secret:
// two are the same when the secrets are, within one check only.
type Held struct {
	Name    string `json:"name"`
	Digest  string `json:"digest"`
	Setting string `json:"setting,omitempty"` // empty in the replicated store
}

// Holding is what one member holds of the call bridges.
type Holding struct {
	Node   string `json:"-"` // host name
	Leader bool   `json:"-"`
	Self   bool   `json:"-"`
	Err    error  `json:"-"` // it gave no answer

	Version uint64 `json:"version"` // of its replicated state
	Held    []Held `json:"held"`
}

const (
	nonceSize  = 32
	digestSize = 8 // of the 32 bytes: to be compared by people, too
)

type holdingRequest struct {
	Nonce []byte `json:"nonce"`
}

// Holdings asks every member what it holds of the call bridges, this node first.
// No secret leaves a node: the digests are made with a nonce of this one call,
// which the caller does not learn, so that nobody can try secrets against them.
func (c *Cluster) Holdings(ctx context.Context) []Holding {
	nonce := make([]byte, nonceSize)
	rand.Read(nonce)
	self, leader := c.holding(nonce), c.node.Status().LeaderID
	self.Node, self.Self, self.Leader = c.cfg.Name, true, leader == c.id.ID
	list := []Holding{self}
	if c.record.Mode != Joined {
		return list
	}
	for _, r := range askAll[Holding](ctx, c, callHolding, holdingRequest{nonce}) {
		h := r.body
		h.Node, h.Leader, h.Err = r.member.Name, r.member.ID == leader, r.err
		list = append(list, h)
	}
	return list
}

// holding is what this node holds.
func (c *Cluster) holding(nonce []byte) Holding {
	s := c.State()
	h := Holding{Version: s.Version}
	for _, b := range s.SortedCallBridges() {
		h.Held = append(h.Held, Held{Name: b.Name, Digest: digest(nonce, b)})
	}
	if c.cfg.Entries == nil {
		return h
	}
	for _, e := range c.cfg.Entries(s.Domain) {
		h.Held = append(h.Held, Held{Name: e.Name, Digest: digest(nonce, e.CallBridge), Setting: e.Setting})
	}
	return h
}

// digest covers the name, so that it does not tell either that two call bridges
// have the same secret.
func digest(nonce []byte, b replica.CallBridge) string {
	mac := hmac.New(sha256.New, nonce)
	mac.Write([]byte(replica.Key(b.Name) + "\x00" + b.Secret))
	return hex.EncodeToString(mac.Sum(nil)[:digestSize])
}

func (c *Cluster) answerHolding(body []byte) ([]byte, error) {
	var q holdingRequest
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, fmt.Errorf("decoding check: %w", err)
	}
	if len(q.Nonce) != nonceSize {
		return nil, fault.New(fault.InvalidArgument, "the nonce of the check has another length")
	}
	return json.Marshal(c.holding(q.Nonce))
}
