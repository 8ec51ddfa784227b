package replica

import (
	"bytes"
	"fmt"
	"net"
	"reflect"
	"strconv"

	"quorate.org/daemon/fault"
)

func initialize(s *State, _ uint64, c Command) (*State, error) {
	if c.ClusterID == "" {
		return nil, fault.New(fault.InvalidArgument, "the cluster ID is missing")
	}
	if s.ClusterID == c.ClusterID {
		return s, nil
	}
	if s.ClusterID != "" {
		return nil, fault.Mend(fault.WrongState, "this node is already a member of a cluster",
			`leave it first with "xmpp cluster remove"`)
	}
	if err := checkMember(c.Member); err != nil {
		return nil, err
	}
	if err := checkGossipKey(c.GossipKey); err != nil {
		return nil, err
	}
	n, err := s.merge(c)
	if err != nil {
		return nil, err
	}
	n.ClusterID, n.GossipKey, n.DecoyKey = c.ClusterID, c.GossipKey, c.DecoyKey
	n.Members = put(n.Members, c.Member.ID, *c.Member)
	return n, nil
}

// join decides merge or refusal. It is idempotent by node ID: once a node is a
// member its entries are the cluster's, and a repeated join only tells where it
// is now.
func join(s *State, index uint64, c Command) (*State, error) {
	if err := s.checkClustered(); err != nil {
		return nil, err
	}
	if err := checkMember(c.Member); err != nil {
		return nil, err
	}
	if _, gone := s.Removed[c.Member.ID]; gone {
		return nil, fault.Mend(fault.WrongState,
			fmt.Sprintf("node %s (%s) was removed from this cluster and can not return as it is", c.Member.label(), c.Member.ID),
			`run "xmpp reset" on it and join again`)
	}
	if _, member := s.Members[c.Member.ID]; member {
		return memberUpdate(s, index, c)
	}
	if err := s.keepsUp(*c.Member); err != nil {
		return nil, err
	}
	n, err := s.merge(c)
	if err != nil {
		return nil, err
	}
	m := *c.Member
	m.Voter = false
	if err := n.seat(m, c.Replaces, index); err != nil {
		return nil, err
	}
	return n, nil
}

func memberVoter(s *State, _ uint64, c Command) (*State, error) {
	m, err := s.member(c.NodeID)
	if err != nil || m.Voter == c.Voter {
		return s, err
	}
	m.Voter = c.Voter
	n := s.fork()
	n.Members = put(s.Members, m.ID, m)
	return n, nil
}

func memberUpdate(s *State, index uint64, c Command) (*State, error) {
	if err := checkMember(c.Member); err != nil {
		return nil, err
	}
	have, err := s.member(c.Member.ID)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(have.Key, c.Member.Key) {
		return nil, fault.Mend(fault.Cloned,
			fmt.Sprintf("the node ID %s belongs to %s, which has another key", have.ID, have.label()),
			`run "xmpp reset" on the node that is the copy`)
	}
	if err := s.keepsUp(*c.Member); err != nil {
		return nil, err
	}
	m := *c.Member
	m.Voter = have.Voter
	if reflect.DeepEqual(m, have) {
		return s, nil
	}
	n := s.fork()
	if err := n.seat(m, c.Replaces, index); err != nil {
		return nil, err
	}
	return n, nil
}

func memberRemove(s *State, index uint64, c Command) (*State, error) {
	if _, gone := s.Removed[c.NodeID]; gone {
		return s, nil
	}
	if _, err := s.member(c.NodeID); err != nil {
		return nil, err
	}
	if len(s.Members) == 1 {
		return nil, fault.Mend(fault.WrongState, "the last member can not be removed from its cluster",
			`leave with "xmpp cluster disable" or "xmpp reset" on that node`)
	}
	n := s.fork()
	n.take(c.NodeID, index)
	return n, nil
}

func gossipKey(s *State, _ uint64, c Command) (*State, error) {
	if err := s.checkClustered(); err != nil {
		return nil, err
	}
	if err := checkGossipKey(c.GossipKey); err != nil {
		return nil, err
	}
	if bytes.Equal(s.GossipKey, c.GossipKey) {
		return s, nil
	}
	n := s.fork()
	n.DecoyKey, n.GossipKey = s.Decoys(), c.GossipKey
	return n, nil
}

// recoverCluster gives the survivor a cluster of its own: a new ID, so that
// peers of the old one are refused, and a new gossip key, so that they are not
// heard.
func recoverCluster(s *State, index uint64, c Command) (*State, error) {
	m, err := s.member(c.NodeID)
	if err != nil {
		return nil, err
	}
	if c.ClusterID == "" || c.ClusterID == s.ClusterID {
		return nil, fault.New(fault.InvalidArgument, "a recovered cluster needs a new ID")
	}
	if err := checkGossipKey(c.GossipKey); err != nil {
		return nil, err
	}
	n := s.fork()
	for _, other := range s.SortedMembers() {
		if other.ID != m.ID {
			n.take(other.ID, index)
		}
	}
	m.Voter = true
	n.Members = put(n.Members, m.ID, m)
	n.ClusterID, n.DecoyKey, n.GossipKey = c.ClusterID, s.Decoys(), c.GossipKey
	return n, nil
}

// take moves a member to the removed ones. s must be a fork.
func (s *State) take(id string, index uint64) {
	s.Members = drop(s.Members, id)
	s.Removed = put(s.Removed, id, index)
}

func (s *State) checkClustered() error {
	if s.ClusterID == "" {
		return fault.Mend(fault.WrongState, "this node is not a member of a cluster",
			`run "xmpp cluster initialize" or "xmpp cluster join" first`)
	}
	return nil
}

func (s *State) member(id string) (Member, error) {
	m, ok := s.Members[id]
	if !ok {
		return m, fault.Mend(fault.NotFound, fmt.Sprintf("no node %q is a member of this cluster", id),
			`see the members with "xmpp cluster status"`)
	}
	return m, nil
}

// seat enters a member at its address. Another member there gives way only when
// it is the one that was found dead. s must be a fork.
func (s *State) seat(m Member, replaces string, index uint64) error {
	if old, taken := s.at(m); taken {
		if old.ID != replaces {
			return addressTaken(m, old)
		}
		s.take(old.ID, index)
	}
	s.Members = put(s.Members, m.ID, m)
	return nil
}

// at returns the other member that has m's address and mesh port.
func (s *State) at(m Member) (Member, bool) {
	for _, other := range s.Members {
		if other.ID != m.ID && other.Addr == m.Addr && other.MeshPort == m.MeshPort {
			return other, true // there is at most one, so the order of the map does not show
		}
	}
	return Member{}, false
}

func addressTaken(m, old Member) error {
	return fault.Mend(fault.Exists,
		fmt.Sprintf("the address %s of node %s is that of member %s (%s)",
			net.JoinHostPort(m.Addr, strconv.Itoa(m.MeshPort)), m.label(), old.label(), old.ID),
		fmt.Sprintf(`give this node another address, or remove the other one first with "xmpp cluster remove %s"`, old.ID))
}
