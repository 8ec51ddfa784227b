package replica

import (
	"fmt"
	"reflect"
	"strings"

	"quorate.org/daemon/fault"
)

// Apply returns the state after a command that stands at index in the log. A
// refusal is a *fault.Error and returns s itself, and so does a command that
// changes nothing. s is never written to.
func (s *State) Apply(index uint64, c Command) (*State, error) {
	step, ok := steps[c.Op]
	if c.Op == OpBatch {
		step, ok = batch, true
	}
	if !ok {
		return s, fault.Mend(fault.Version, fmt.Sprintf("this node does not know the command %q", c.Op), "upgrade this node")
	}
	next, err := step(s, index, c)
	if err != nil || next == s {
		return s, err
	}
	next.Version = index
	return next, nil
}

// steps holds the rule of each operation. A step returns a fork of s, or s when
// nothing changes.
var steps = map[Op]func(s *State, index uint64, c Command) (*State, error){
	OpDomain:              setDomain,
	OpCallBridgeAdd:       callBridgeAdd,
	OpCallBridgeAddSecret: callBridgeAddSecret,
	OpCallBridgeDel:       callBridgeDel,
	OpDomainAdd:           domainAdd,
	OpDomainDel:           domainDel,
	OpAccountSet:          accountSet,
	OpAccountDel:          accountDel,
	OpInitialize:          initialize,
	OpJoin:                join,
	OpMemberVoter:         memberVoter,
	OpMemberUpdate:        memberUpdate,
	OpMemberRemove:        memberRemove,
	OpGossipKey:           gossipKey,
	OpRecover:             recoverCluster,
	OpRosterSet:           effect(rosterSet),
	OpRosterRemove:        effect(rosterRemove),
	OpSubscription:        effect(subscription),
	OpOfflineAdd:          effect(offlineAdd),
	OpOfflineDel:          offlineDel,
	OpBlock:               effect(own(block)),
	OpUnblock:             effect(own(unblock)),
	OpPrivate:             effect(own(setPrivate)),
	OpVCard:               effect(own(setVCard)),
	OpPushEnable:          effect(own(pushEnable)),
	OpPushDisable:         effect(own(pushDisable)),
	OpLeave:               effect(leave),
	OpMiss:                miss,
	OpParted:              parted,
	OpUsers:               takeUsers,
	OpFile:                file,
	OpSweep:               sweep,
	OpPrefs:               effect(setPrefs),
	OpPep:                 effect(pepChange),
	OpCaps:                effect(learnCaps),
}

func setDomain(s *State, _ uint64, c Command) (*State, error) {
	if err := CheckDomain(c.Domain); err != nil {
		return nil, err
	}
	if s.Domain == c.Domain {
		return s, nil
	}
	if s.ClusterID != "" && s.Domain != "" {
		return nil, fault.Mend(fault.WrongDomain, "the cluster serves the domain "+s.Domain+", which its members' certificates name",
			`to serve another, run "xmpp cluster disable" on every node, set the domain, and form the cluster anew`)
	}
	if _, further := s.Domains[c.Domain]; further {
		return nil, fault.Mend(fault.Exists, c.Domain+" is served beside "+s.Domain+" and has users of its own",
			"xmpp multi_domain del "+c.Domain)
	}
	n := s.fork()
	n.Domain = c.Domain
	return n, nil
}

func callBridgeAdd(s *State, _ uint64, c Command) (*State, error) {
	if _, ok := s.CallBridge(c.Name); ok {
		return s, nil
	}
	return s.withCallBridge(CallBridge{c.Name, c.Secret})
}

func callBridgeAddSecret(s *State, _ uint64, c Command) (*State, error) {
	have, ok := s.CallBridge(c.Name)
	switch {
	case !ok:
		return s.withCallBridge(CallBridge{c.Name, c.Secret})
	case have.Secret != c.Secret:
		return nil, fault.Mend(fault.WrongSecret,
			fmt.Sprintf("call bridge %s already has another secret", have.Name),
			fmt.Sprintf(`look it up with "xmpp callbridge list", or delete it first with "xmpp callbridge del %s"`, have.Name))
	}
	return s, nil
}

func (s *State) withCallBridge(b CallBridge) (*State, error) {
	if err := CheckCallBridgeName(b.Name); err != nil {
		return nil, err
	}
	if err := checkSecret(b.Name, b.Secret); err != nil {
		return nil, err
	}
	if address := Key(b.Name) + "." + s.Domain; s.Domain != "" && s.Serves(address) {
		return nil, fault.Mend(fault.Exists, fmt.Sprintf("the address of call bridge %s is the domain %s", b.Name, address),
			"choose another name, or delete that domain first: xmpp multi_domain del "+address)
	}
	n := s.fork()
	n.CallBridges = put(s.CallBridges, Key(b.Name), b)
	return n, nil
}

func callBridgeDel(s *State, _ uint64, c Command) (*State, error) {
	if _, ok := s.CallBridge(c.Name); !ok {
		return nil, fault.Mend(fault.NotFound, fmt.Sprintf("there is no call bridge %q", c.Name),
			`see the names with "xmpp callbridge list"`)
	}
	n := s.fork()
	n.CallBridges = drop(s.CallBridges, Key(c.Name))
	return n, nil
}

func accountSet(s *State, _ uint64, c Command) (*State, error) {
	if err := s.checkAccount(c.Account); err != nil {
		return nil, err
	}
	if have, ok := s.Accounts[c.Account.Name]; ok && reflect.DeepEqual(have, *c.Account) {
		return s, nil
	}
	n := s.fork()
	n.Accounts = put(s.Accounts, c.Account.Name, *c.Account)
	if bare := n.addressOf(c.Account.Name); n.Parted[bare] != nil {
		n.Parted = drop(n.Parted, bare)
	}
	if len(s.Decoys()) == 0 {
		n.DecoyKey = c.DecoyKey
	}
	return n, nil
}

func accountDel(s *State, _ uint64, c Command) (*State, error) {
	if _, ok := s.Accounts[c.Name]; !ok {
		return nil, fault.Mend(fault.NotFound, fmt.Sprintf("there is no user %q", c.Name),
			`see the names with "xmpp user list"`)
	}
	n := s.fork()
	n.leaveRosters(s.addressOf(c.Name))
	n.Accounts = drop(s.Accounts, c.Name)
	return n, nil
}

// merge returns s with the entries a node brings, or the refusal that names
// what differs.
func (s *State) merge(c Command) (*State, error) {
	n := s.fork()
	if err := n.mergeDomain(c.Domain); err != nil {
		return nil, err
	}
	if err := n.mergeDomains(c.Domains); err != nil {
		return nil, err
	}
	if err := n.mergeCallBridges(c.CallBridges); err != nil {
		return nil, err
	}
	if err := n.mergeAccounts(c.Accounts); err != nil {
		return nil, err
	}
	n.mergeUsers(c.Users, c.Clock, s.Accounts)
	n.mergeServices(c.Services, s.Accounts)
	return n, nil
}

func (s *State) mergeDomain(domain string) error {
	if domain == "" || domain == s.Domain {
		return nil
	}
	if s.Domain != "" {
		return fault.Mend(fault.WrongDomain,
			fmt.Sprintf("the cluster serves the domain %s and the joining node serves %s", s.Domain, domain),
			fmt.Sprintf(`run "xmpp domain %s" on the joining node and join again`, s.Domain))
	}
	s.Domain = domain
	return CheckDomain(domain)
}

func (s *State) mergeCallBridges(list []CallBridge) error {
	var conflicts []string
	for _, b := range list {
		have, ok := s.CallBridge(b.Name)
		switch {
		case !ok:
			n, err := s.withCallBridge(b)
			if err != nil {
				return err
			}
			s.CallBridges = n.CallBridges
		case have.Secret != b.Secret:
			conflicts = append(conflicts, have.Name)
		}
	}
	if len(conflicts) == 0 {
		return nil
	}
	return fault.Mend(fault.SecretConflict,
		"the cluster and the joining node have different secrets for call bridge "+strings.Join(conflicts, ", "),
		fmt.Sprintf(`run "xmpp callbridge del %s" on the joining node and join again`, conflicts[0]))
}

func (s *State) mergeAccounts(list []Account) error {
	var conflicts []string
	for _, a := range list {
		have, ok := s.Accounts[a.Name]
		switch {
		case !ok:
			if err := s.checkAccount(&a); err != nil {
				return err
			}
			s.Accounts = put(s.Accounts, a.Name, a)
		case !reflect.DeepEqual(have, a):
			conflicts = append(conflicts, a.Name)
		}
	}
	if len(conflicts) == 0 {
		return nil
	}
	return fault.Mend(fault.Exists,
		"the cluster and the joining node both have a user "+strings.Join(conflicts, ", "),
		fmt.Sprintf(`run "xmpp user del %s" on the joining node and join again`, conflicts[0]))
}
