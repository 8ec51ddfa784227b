package firewall

import (
	"fmt"
	"net/netip"
	"strings"
)

// LocalRules is where an administrator puts rules of its own, in nft's language:
// each *.nft file has rules, no tables and no chains. What they accept is open.
const LocalRules = "/etc/quorate/firewall.d"

// Ruleset returns the table for nft -f. It replaces the one in force in a single
// transaction: there is no moment without rules, and streams that are up stay,
// because the kernel knows them by other means than the table. cards names the
// network card of each letter; a port is not open on a letter that has none. local
// says whether the rules of LocalRules are part of it.
func Ruleset(ports []Port, cards map[string]string, local bool) string {
	var b strings.Builder
	b.WriteString(head)
	if local {
		fmt.Fprintf(&b, "\tchain local {\n\t\tinclude \"%s/*.nft\"\n\t}\n\n", LocalRules)
	}
	b.WriteString(input)
	if local {
		b.WriteString("\t\tjump local\n")
	}
	for _, p := range ports {
		if p.Open {
			p.write(&b, cards, "accept")
		}
	}
	for _, p := range ports {
		if !p.Open && p.Protocol == TCP {
			p.write(&b, cards, "reject with tcp reset")
		}
	}
	b.WriteString(tail)
	return b.String()
}

// Base returns the table of a node that has not read its settings yet: SSH only.
func Base() string {
	return "# All that is open until quorate-firewall has read the settings: SSH. It then puts its own table in this one's\n" +
		"# place. Made from daemon/firewall; `go generate ./daemon/firewall` writes it.\n" +
		Ruleset([]Port{{Number: sshPort, Protocol: TCP, Service: "SSH and SFTP", Open: true}}, nil, false)
}

// head begins the transaction and has the limit on new connections: for each
// source and port 1,000 in a second and 4,000 at once, which no crowd behind one
// address needs to sign in, and a flood exceeds. SSH, where each try costs a
// process, has a limit of its own.
const head = `table inet quorate
delete table inet quorate
table inet quorate {
	set calls4 { typeof ip saddr . tcp dport; size 65535; flags dynamic; timeout 10s; }
	set calls6 { typeof ip6 saddr . tcp dport; size 65535; flags dynamic; timeout 10s; }

	chain flood {
		tcp dport 22 add @calls4 { ip saddr . tcp dport limit rate over 10/second burst 100 packets } drop
		tcp dport 22 add @calls6 { ip6 saddr . tcp dport limit rate over 10/second burst 100 packets } drop
		tcp dport != 22 add @calls4 { ip saddr . tcp dport limit rate over 1000/second burst 4000 packets } drop
		tcp dport != 22 add @calls6 { ip6 saddr . tcp dport limit rate over 1000/second burst 4000 packets } drop
	}

`

// input is what every node needs. Errors about our own packets (PMTU among them)
// and neighbour discovery are not optional (RFC 4890 §4.4); a neighbour's word
// counts only when no router passed it on (hop limit 255, RFC 4861 §11.2).
const input = `	chain input {
		type filter hook input priority filter; policy drop;
		iif "lo" accept
		ct state vmap { established : accept, related : accept, invalid : drop }
		icmp type { destination-unreachable, time-exceeded, parameter-problem } accept
		icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } ip6 hoplimit 255 accept
		icmpv6 type { mld-listener-query } ip6 saddr fe80::/10 accept
		icmp type echo-request limit rate 50/second burst 100 packets accept
		icmpv6 type echo-request limit rate 50/second burst 100 packets accept
		udp sport 67 udp dport 68 accept comment "DHCP"
		ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept comment "DHCPv6"
		tcp flags & (fin | syn | rst | ack) == syn jump flood
`

// tail ends the chain of what comes in. A segment of a stream that this node does
// not know, of before its last start, is answered with a reset, as a node without
// a filter would (RFC 9293 §3.10.7.1): the other end then knows at once that the
// stream is gone.
const tail = `		tcp flags & (syn | rst) == 0x0 limit rate 1000/second burst 1000 packets reject with tcp reset comment "streams of before"
	}

	chain forward {
		type filter hook forward priority filter; policy drop;
	}
}
`

// write adds the rules of one port: one for each place it listens at.
func (p Port) write(b *strings.Builder, cards map[string]string, verdict string) {
	for _, where := range p.places(cards) {
		fmt.Fprintf(b, "\t\t%s%s dport %d %s comment %q\n", where, p.Protocol, p.Number, verdict, p.comment())
	}
}

func (p Port) comment() string {
	if p.Setting == "" {
		return p.Service
	}
	return p.Service + ", " + p.Setting
}

// places are the matches for where the port listens; one that matches
// everything when it listens everywhere.
func (p Port) places(cards map[string]string) []string {
	if len(p.Listen) == 0 {
		return []string{""}
	}
	var all []string
	for _, l := range p.Listen {
		if a, err := netip.ParseAddr(l); err == nil {
			all = append(all, toAddress(a.Unmap().WithZone("")))
		} else if card := cards[l]; card != "" {
			all = append(all, fmt.Sprintf("iifname %q ", card))
		}
	}
	return all
}

func toAddress(a netip.Addr) string {
	if a.Is4() {
		return "ip daddr " + a.String() + " "
	}
	return "ip6 daddr " + a.String() + " "
}
