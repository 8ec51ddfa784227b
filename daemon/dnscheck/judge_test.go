package dnscheck

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"quorate.org/daemon/fault"
)

const domain = "meet.example"

// three are the nodes of most tests.
func three() []Node {
	var nodes []Node
	for i, name := range []string{"cb1", "cb2", "cb3"} {
		nodes = append(nodes, Node{Name: name, Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(11 + i)})}, ClientPort: 5222, ComponentPort: 5223})
	}
	return nodes
}

// right are the records of three that leave nothing to wish.
const right = `
cb1.meet.example. 86400 IN A 10.0.0.11
cb2.meet.example. 86400 IN A 10.0.0.12
cb3.meet.example. 86400 IN A 10.0.0.13
_xmpp-component._tcp.meet.example. 86400 IN SRV 0 0 5223 cb1.meet.example.
_xmpp-component._tcp.meet.example. 86400 IN SRV 0 0 5223 cb2.meet.example.
_xmpp-component._tcp.meet.example. 86400 IN SRV 0 0 5223 cb3.meet.example.
_xmpp-client._tcp.meet.example. 86400 IN SRV 10 50 5222 cb1.meet.example.
_xmpp-client._tcp.meet.example. 86400 IN SRV 10 50 5222 cb2.meet.example.
_xmpp-client._tcp.meet.example. 86400 IN SRV 10 50 5222 cb3.meet.example.
_xmpps-client._tcp.meet.example. 86400 IN SRV 5 50 5223 cb1.meet.example.
_xmpps-client._tcp.meet.example. 86400 IN SRV 5 50 5223 cb2.meet.example.
_xmpps-client._tcp.meet.example. 86400 IN SRV 5 50 5223 cb3.meet.example.
`

// master reads a zone as a name server does.
func master(t testing.TB, text string) []Record {
	t.Helper()
	var all []Record
	parser := dns.NewZoneParser(strings.NewReader(text), "", "")
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		h := rr.Header()
		all = append(all, Record{h.Name, h.Ttl, dns.TypeToString[h.Rrtype], strings.TrimPrefix(rr.String(), h.String())})
	}
	if err := parser.Err(); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return all
}

// answerFrom is what a server with these records says. It follows aliases; where
// they end in nothing, the client hears of the nothing only.
func answerFrom(zone []Record, q Question) Answer {
	answer := Answer{Question: q}
	name := q.Name
	for range 8 {
		alias, exists := "", false
		for _, r := range zone {
			if plain(r.Name) != name {
				continue
			}
			exists = true
			if r.Type == q.Type || r.Type == cname {
				answer.Records = append(answer.Records, r)
			}
			if r.Type == cname && q.Type != cname {
				alias = plain(r.Value)
			}
		}
		if !exists {
			return Answer{Question: q, NoName: true}
		}
		if name = alias; alias == "" {
			break
		}
	}
	return answer
}

// world is the zone of each server, and what does not answer.
type world struct {
	zones  map[string]string // by server
	silent map[string]string // server, or server and name, to why
	closed map[string]string // address and port to why
}

// look does what the shell does, without a network.
func look(t testing.TB, nodes []Node, w world) (Facts, Report) {
	t.Helper()
	f := Facts{Domain: domain, Nodes: nodes, Probes: map[netip.AddrPort]string{}}
	zones := map[string][]Record{}
	for server, text := range w.zones {
		f.Servers = append(f.Servers, server)
		zones[server] = master(t, text)
	}
	slices.Sort(f.Servers)
	for rounds := 0; ; rounds++ {
		open := Questions(f)
		if len(open) == 0 {
			break
		}
		if rounds > 5 {
			t.Fatal("the questions do not end")
		}
		for _, q := range open {
			answer := answerFrom(zones[q.Server], q)
			if why := w.silent[q.Server] + w.silent[q.Server+" "+q.Name]; why != "" {
				answer = Answer{Question: q, Failed: why}
			}
			f.Answers = append(f.Answers, answer)
		}
	}
	for _, p := range Probes(f) {
		f.Probes[p] = w.closed[p.String()]
	}
	return f, Judge(f)
}

// said is a report's findings in short.
func said(r Report) []string {
	var all []string
	for _, f := range r.Findings {
		line := string(f.Code) + ": " + f.Text
		if f.Hint {
			line = "hint: " + f.Text
		}
		all = append(all, line)
	}
	return all
}

// cured is the zone after an administrator did what the zone lines say.
func cured(t testing.TB, zone string, lines []string) string {
	t.Helper()
	records := master(t, zone)
	for _, line := range lines {
		if gone, ok := strings.CutPrefix(line, "; remove: "); ok {
			before := len(records)
			what := master(t, gone)[0]
			records = slices.DeleteFunc(records, func(r Record) bool {
				return same(Record{Name: plain(r.Name), Type: r.Type, Value: r.Value}, Record{Name: plain(what.Name), Type: what.Type, Value: what.Value})
			})
			if len(records) == before {
				t.Errorf("%q names no record of the zone", line)
			}
		}
	}
	var text strings.Builder
	for _, r := range append(records, master(t, strings.Join(lines, "\n"))...) {
		fmt.Fprintln(&text, r.Name, r.TTL, "IN", r.Type, r.Value)
	}
	return text.String()
}

// edit replaces in the right zone; an old text that is not there is a mistake in
// the test.
func edit(t *testing.T, oldnew ...string) string {
	t.Helper()
	zone := right
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(zone, oldnew[i]) {
			t.Fatalf("%q is not in the zone", oldnew[i])
		}
		zone = strings.Replace(zone, oldnew[i], oldnew[i+1], 1)
	}
	return zone
}

const component = "_xmpp-component._tcp.meet.example. 86400 IN SRV "

func TestNothingWrong(t *testing.T) {
	_, r := look(t, three(), world{zones: map[string]string{"10.0.0.1": right, "10.0.0.2": right}})
	if !r.OK || len(r.Findings) > 0 || len(r.Zone) > 0 || len(r.Needed) != 12 || len(r.Found) != 12 {
		t.Errorf("%+v", r)
	}
	for _, l := range append(r.Needed, r.Found...) {
		if l.State != OK {
			t.Errorf("%+v", l)
		}
	}
}

// TestFaults: each fault is told in words, and the zone that results from the
// zone lines has none of it.
func TestFaults(t *testing.T) {
	const srvName = "_xmpp-component._tcp.meet.example"
	for _, tc := range []struct {
		name string
		edit []string
		want []string
		zone []string
	}{
		{"no record of one node", []string{component + "0 0 5223 cb2.meet.example.\n", ""},
			[]string{"DNS: no SRV record " + srvName + " names cb2 (10.0.0.12)"},
			[]string{component + "0 0 5223 cb2.meet.example."}},
		{"wrong port", []string{component + "0 0 5223 cb1", component + "0 0 522 cb1"},
			[]string{"DNS: the SRV record " + srvName + " names port 522 of cb1.meet.example, and cb1 listens on 5223"},
			[]string{"; remove: _xmpp-component._tcp.meet.example. IN SRV 0 0 522 cb1.meet.example.", component + "0 0 5223 cb1.meet.example."}},
		{"port 0", []string{component + "0 0 5223 cb1", component + "0 0 0 cb1"},
			[]string{"DNS: the SRV record " + srvName + " names port 0 of cb1.meet.example"},
			[]string{"; remove: _xmpp-component._tcp.meet.example. IN SRV 0 0 0 cb1.meet.example.", component + "0 0 5223 cb1.meet.example."}},
		{"target without address", []string{"cb3.meet.example. 86400 IN A 10.0.0.13\n", ""},
			[]string{"DNS: the target cb3.meet.example of the node cb3 does not exist"},
			[]string{"cb3.meet.example. 86400 IN A 10.0.0.13"}},
		{"target with another type of record only", []string{"cb3.meet.example. 86400 IN A 10.0.0.13\n", "cb3.meet.example. 86400 IN TXT \"no\"\n"},
			[]string{"DNS: the target cb3.meet.example of the node cb3 has no address"},
			[]string{"cb3.meet.example. 86400 IN A 10.0.0.13"}},
		{"alias of a node", []string{component + "0 0 5223 cb1", "xmpp.meet.example. 60 IN CNAME cb1.meet.example.\n" + component + "0 0 5223 xmpp"},
			[]string{"DNS: the target xmpp.meet.example of " + srvName + " is an alias (CNAME) of cb1.meet.example, which RFC 2782 forbids"},
			[]string{"; remove: _xmpp-component._tcp.meet.example. IN SRV 0 0 5223 xmpp.meet.example.", component + "0 0 5223 cb1.meet.example."}},
		{"host name is an alias of nothing", []string{"cb1.meet.example. 86400 IN A 10.0.0.11\n", "cb1.meet.example. 60 IN CNAME gone.meet.example.\n"},
			[]string{"DNS: the target cb1.meet.example of the node cb1 is an alias (CNAME) of gone.meet.example, which RFC 2782 forbids"},
			[]string{"; remove: cb1.meet.example. IN CNAME gone.meet.example.", "cb1.meet.example. 86400 IN A 10.0.0.11"}},
		{"address of no node", []string{"cb1.meet.example. 86400 IN A 10.0.0.11", "cb1.meet.example. 86400 IN A 10.0.0.99"},
			[]string{"DNS: the target cb1.meet.example has the address 10.0.0.99, and the node cb1 has 10.0.0.11"},
			[]string{"; remove: cb1.meet.example. IN A 10.0.0.99", "cb1.meet.example. 86400 IN A 10.0.0.11"}},
		{"one address of a node and one of none", []string{component + "0 0 5223 cb1", "cb1.meet.example. 86400 IN A 10.0.0.99\n" + component + "0 0 5223 cb1"},
			[]string{"DNS: the target cb1.meet.example has the address 10.0.0.99, and the node cb1 has 10.0.0.11"},
			[]string{"; remove: cb1.meet.example. IN A 10.0.0.99"}},
		{"record of a machine that is no node", []string{component + "0 0 5223 cb1", "old.meet.example. 60 IN A 10.0.0.99\n" + component + "0 0 5223 old.meet.example.\n" + component + "0 0 5223 cb1"},
			[]string{"DNS: the target old.meet.example of " + srvName + " has the address 10.0.0.99, which no node of the cluster has"},
			[]string{"; remove: _xmpp-component._tcp.meet.example. IN SRV 0 0 5223 old.meet.example."}},
		{"record of a name that is gone", []string{component + "0 0 5223 cb1", component + "0 0 5223 old.meet.example.\n" + component + "0 0 5223 cb1"},
			[]string{"DNS: the target old.meet.example of " + srvName + " does not exist"},
			[]string{"; remove: _xmpp-component._tcp.meet.example. IN SRV 0 0 5223 old.meet.example."}},
		{"not offered", []string{component + "0 0 5223 cb1.meet.example.", component + "0 0 0 ."},
			[]string{"DNS: the SRV record " + srvName + ` says that the service is not offered (its target is ".")`,
				"DNS: no SRV record " + srvName + " names cb1 (10.0.0.11)"},
			[]string{"; remove: _xmpp-component._tcp.meet.example. IN SRV 0 0 0 .", component + "0 0 5223 cb1.meet.example."}},
		{"host names swapped", []string{"10.0.0.11", "10.0.0.x", "10.0.0.12", "10.0.0.11", "10.0.0.x", "10.0.0.12"},
			[]string{"DNS: the target cb1.meet.example has the address 10.0.0.12, and the node cb1 has 10.0.0.11", "DNS: the target cb2.meet.example has the address 10.0.0.11, and the node cb2 has 10.0.0.12"},
			[]string{"; remove: cb1.meet.example. IN A 10.0.0.12", "; remove: cb2.meet.example. IN A 10.0.0.11", "cb1.meet.example. 86400 IN A 10.0.0.11", "cb2.meet.example. 86400 IN A 10.0.0.12"}},
		{"one host name leads to another node", []string{"cb2.meet.example. 86400 IN A 10.0.0.12", "cb2.meet.example. 86400 IN A 10.0.0.11"},
			[]string{"DNS: the target cb2.meet.example has the address 10.0.0.11, and the node cb2 has 10.0.0.12"},
			[]string{"; remove: cb2.meet.example. IN A 10.0.0.11", "cb2.meet.example. 86400 IN A 10.0.0.12"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			zone := edit(t, tc.edit...)
			_, r := look(t, three(), world{zones: map[string]string{"10.0.0.1": zone}})
			if diff := cmp.Diff(tc.want, said(r)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.zone, r.Zone); diff != "" {
				t.Errorf("zone lines (-want +got):\n%s", diff)
			}
			if r.OK != (tc.want == nil) {
				t.Errorf("OK = %v", r.OK)
			}
			after := cured(t, zone, r.Zone)
			if _, again := look(t, three(), world{zones: map[string]string{"10.0.0.1": after}}); !again.OK || len(again.Zone) > 0 {
				t.Errorf("after the cure: %q, zone lines %q, of\n%s", said(again), again.Zone, after)
			}
		})
	}
}

// TestHints: what is not as it could be is no fault.
func TestHints(t *testing.T) {
	for _, tc := range []struct {
		name string
		edit []string
		want []string
	}{
		{"priorities", []string{component + "0 0 5223 cb1", component + "5 0 5223 cb1"},
			[]string{"hint: the SRV records _xmpp-component._tcp.meet.example have the priorities 0 to 5: everybody uses those of 0 while one of them answers"}},
		{"weights", []string{component + "0 0 5223 cb1", component + "0 9 5223 cb1"},
			[]string{"hint: some SRV records _xmpp-component._tcp.meet.example have the weight 0: those are hardly used (RFC 2782)"}},
		{"TTL 0", []string{component + "0 0 5223 cb1", "_xmpp-component._tcp.meet.example. 0 IN SRV 0 0 5223 cb1"},
			[]string{"hint: the SRV record _xmpp-component._tcp.meet.example has the TTL 0, so that each look-up goes to the name server"}},
		{"federation", []string{component + "0 0 5223 cb1", "_xmpp-server._tcp.meet.example. 60 IN SRV 0 0 5269 cb1.meet.example.\n" + component + "0 0 5223 cb1"},
			[]string{"hint: the SRV record _xmpp-server._tcp.meet.example is not needed: there is no federation with other servers"}},
		{"twice", []string{component + "0 0 5223 cb1", "one.meet.example. 60 IN A 10.0.0.11\n" + component + "0 0 5223 one.meet.example.\n" + component + "0 0 5223 cb1"},
			[]string{"hint: 2 SRV records _xmpp-component._tcp.meet.example lead to cb1, which gets more than its share"}},
	} {
		_, r := look(t, three(), world{zones: map[string]string{"10.0.0.1": edit(t, tc.edit...)}})
		if diff := cmp.Diff(tc.want, said(r)); diff != "" || !r.OK || len(r.Zone) > 0 {
			t.Errorf("%s: OK %v, zone lines %q, findings (-want +got):\n%s", tc.name, r.OK, r.Zone, diff)
		}
	}
}

func TestDirectTLSIsOptional(t *testing.T) {
	zone, _, _ := strings.Cut(right, "_xmpps-client")
	_, r := look(t, three(), world{zones: map[string]string{"10.0.0.1": zone}})
	want := []string{"hint: there is no SRV record _xmpps-client._tcp.meet.example; clients that know direct TLS (XEP-0368) save a round trip with it"}
	if diff := cmp.Diff(want, said(r)); diff != "" || !r.OK || len(r.Zone) > 0 {
		t.Errorf("OK %v, zone %q, findings (-want +got):\n%s", r.OK, r.Zone, diff)
	}
	optional := 0
	for _, l := range r.Needed {
		if l.State == Optional {
			optional++
		}
	}
	if optional != 3 {
		t.Errorf("%d optional records of 3", optional)
	}
	_, r = look(t, three(), world{zones: map[string]string{"10.0.0.1": zone + "_xmpps-client._tcp.meet.example. 60 IN SRV 0 0 5223 cb1.meet.example.\n"}})
	if len(r.Findings) != 2 || !r.OK || len(r.Zone) != 2 {
		t.Errorf("of one node only: %+v", r)
	}
}

// From nothing to everything: the zone lines alone make a zone that passes.
// A further domain needs no records of call bridges, and its nodes are named in
// the XMPP domain.
func TestFurtherDomain(t *testing.T) {
	judged := func(zone string) Report {
		f := Facts{Domain: "second.example", Home: domain, Nodes: three(), Servers: []string{"s"}, Probes: map[netip.AddrPort]string{}}
		for open := Questions(f); len(open) > 0; open = Questions(f) {
			for _, q := range open {
				if strings.Contains(q.Name, "component") {
					t.Errorf("asked for %s", q.Name)
				}
				f.Answers = append(f.Answers, answerFrom(master(t, zone), q))
			}
		}
		for _, p := range Probes(f) {
			f.Probes[p] = ""
		}
		return Judge(f)
	}
	if r := judged(strings.ReplaceAll(right, "._tcp.meet.example", "._tcp.second.example")); !r.OK || len(r.Findings) > 0 || r.Domain != "second.example" {
		t.Errorf("%+v", r)
	}
	if zone := strings.Join(judged("").Zone, "\n"); !strings.Contains(zone, "_xmpp-client._tcp.second.example. 86400 IN SRV 10 50 5222 cb1.meet.example.") {
		t.Errorf("proposed:\n%s", zone)
	}
}

func TestEmptyZone(t *testing.T) {
	for _, nodes := range [][]Node{
		three(), three()[:1],
		{{Name: "cb1.lab.example", Addresses: []netip.Addr{netip.MustParseAddr("fd00::1"), netip.MustParseAddr("10.0.0.1")}, ClientPort: 15222, ComponentPort: 15223}},
		{{Name: "odd;name", Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, ClientPort: 1, ComponentPort: 2}},
	} {
		_, r := look(t, nodes, world{zones: map[string]string{"10.0.0.1": ""}})
		if r.OK || len(r.Findings) < 3 {
			t.Errorf("%+v", r)
		}
		_, again := look(t, nodes, world{zones: map[string]string{"10.0.0.1": strings.Join(r.Zone, "\n")}})
		if !again.OK {
			t.Errorf("%q after the zone lines %q", said(again), r.Zone)
		}
	}
}

// A host of another name that leads to the node is as good as the node's own.
func TestOtherHostNames(t *testing.T) {
	zone := strings.ReplaceAll(right, "cb2.meet.example.", "xmpp-south.corp.example.")
	if _, r := look(t, three(), world{zones: map[string]string{"10.0.0.1": zone}}); !r.OK || len(r.Findings) > 0 {
		t.Errorf("%q", said(r))
	}
}

func TestPorts(t *testing.T) {
	closed := map[string]string{"10.0.0.12:5223": "connection refused", "10.0.0.13:5222": "no answer"}
	_, r := look(t, three(), world{zones: map[string]string{"10.0.0.1": right}, closed: closed})
	want := []string{
		"TCP: cb2.meet.example:5223 (10.0.0.12) of _xmpp-component._tcp.meet.example can not be reached: connection refused",
		"TCP: cb3.meet.example:5222 (10.0.0.13) of _xmpp-client._tcp.meet.example can not be reached: no answer",
		"TCP: cb2.meet.example:5223 (10.0.0.12) of _xmpps-client._tcp.meet.example can not be reached: connection refused",
	}
	if diff := cmp.Diff(want, said(r)); diff != "" || r.OK || len(r.Zone) > 0 {
		t.Errorf("OK %v, zone %q (-want +got):\n%s", r.OK, r.Zone, diff)
	}
}

func TestNameServers(t *testing.T) {
	behind := edit(t, component+"0 0 5223 cb3.meet.example.\n", "", "cb1.meet.example. 86400 IN A 10.0.0.11", "cb1.meet.example. 5 IN A 10.0.0.11")
	one, two := "10.0.0.1", "10.0.0.2"
	for _, tc := range []struct {
		name string
		w    world
		want []string
	}{
		{"they disagree", world{zones: map[string]string{one: right, two: behind}}, []string{
			"DNS: the name servers disagree about _xmpp-component._tcp.meet.example SRV: " +
				"10.0.0.1 says 0 0 5223 cb1.meet.example, 0 0 5223 cb2.meet.example, 0 0 5223 cb3.meet.example; " +
				"10.0.0.2 says 0 0 5223 cb1.meet.example, 0 0 5223 cb2.meet.example"}},
		{"one is silent", world{zones: map[string]string{one: right, two: ""}, silent: map[string]string{two: "no answer"}},
			[]string{"hint: the name server 10.0.0.2 does not answer"}},
		{"one fails for one name", world{zones: map[string]string{one: right, two: right}, silent: map[string]string{two + " cb1.meet.example": "answers SERVFAIL"}},
			[]string{"hint: the name server 10.0.0.2, asked for cb1.meet.example, answers SERVFAIL"}},
		{"all are silent", world{zones: map[string]string{one: ""}, silent: map[string]string{one: "no answer"}},
			[]string{"DNS: the name server 10.0.0.1 does not answer"}},
	} {
		_, r := look(t, three(), tc.w)
		if diff := cmp.Diff(tc.want, said(r)); diff != "" || len(r.Zone) > 0 {
			t.Errorf("%s: zone %q (-want +got):\n%s", tc.name, r.Zone, diff)
		}
		if tc.name == "all are silent" && (r.OK || r.Needed[0].State != Unknown) {
			t.Errorf("%+v", r)
		}
	}
}

// A Call Bridge checks the domain of servers it does not know.
func TestOthersDomain(t *testing.T) {
	if _, r := look(t, nil, world{zones: map[string]string{"10.0.0.1": right}}); !r.OK || len(r.Findings) > 0 || len(r.Needed) > 0 || len(r.Found) != 12 {
		t.Errorf("%+v", r)
	}
	_, r := look(t, nil, world{zones: map[string]string{"10.0.0.1": ""}})
	want := []string{"DNS: there is no SRV record _xmpp-component._tcp.meet.example"}
	if diff := cmp.Diff(want, said(r)); diff != "" || r.OK {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, line := range r.Zone {
		if !strings.HasPrefix(line, ";") {
			t.Errorf("the zone line %q would be pasted", line)
		}
	}
	zone := edit(t, "cb1.meet.example. 86400 IN A 10.0.0.11\n", "", "cb2.meet.example. 86400 IN A 10.0.0.12\n", "cb2.meet.example. 86400 IN CNAME x.\n")
	_, r = look(t, nil, world{zones: map[string]string{"10.0.0.1": zone}, closed: map[string]string{"10.0.0.13:5223": "no answer"}})
	var codes []fault.Code
	for _, f := range r.Findings {
		codes = append(codes, f.Code)
		if len(r.Zone) == 0 && strings.Contains(f.Remedy, "below") {
			t.Errorf("%q: there are no lines below to %q", f.Text, f.Remedy)
		}
	}
	if diff := cmp.Diff([]fault.Code{"DNS", "DNS", "TCP", "DNS", "DNS", "DNS", "DNS", "TCP"}, codes); diff != "" || r.OK {
		t.Errorf("%q (-want +got):\n%s", said(r), diff)
	}
}

// FuzzZoneLines: what is written for a name and an address is read back by a
// parser of zone files as the same name and nothing else.
func FuzzZoneLines(f *testing.F) {
	for _, name := range []string{"cb1", "a b", "semi;colon", "p(aren", `quo"te`, `back\slash`, "at@", "$dollar", "tab\t", "\x00\xff", "ümlaut", "*", "1.2"} {
		f.Add(name, uint16(5223), []byte{10, 0, 0, 1})
	}
	f.Fuzz(func(t *testing.T, name string, port uint16, ip []byte) {
		written := Escaped(name) + "." + domain
		addr, ok := netip.AddrFromSlice(ip)
		if _, is := dns.IsDomainName(written); !is || !ok || strings.Contains("."+name+".", "..") {
			return // no name, no address
		}
		records := []Record{srvRecord("_xmpp-component._tcp."+written, 0, 0, int(port), written), addressRecord(written, addr.Unmap())}
		if len(written) > 200 {
			return // not with the service in front
		}
		for _, r := range records {
			read := master(t, "$ORIGIN elsewhere.example.\n"+r.removal()+"\n"+r.line())
			if len(read) != 1 || read[0].Type != r.Type {
				t.Fatalf("%q is read as %+v", r.line(), read)
			}
			if wire(t, read[0].Name) != wire(t, r.Name+".") {
				t.Errorf("the name of %q is read as %q", r.line(), read[0].Name)
			}
			if o, ok := parseOffer(read[0]); r.Type == srv && (!ok || o.port != int(port) || wire(t, o.target+".") != wire(t, plain(written)+".")) {
				t.Errorf("%q is read as %+v", r.line(), o)
			}
		}
		// The labels are the bytes of the name.
		if got := wire(t, written+"."); !strings.HasPrefix(got, labels(name)) {
			t.Errorf("%q becomes %q", name, got)
		}
	})
}

// wire is a name as it goes over the network (RFC 1035 §3.1).
func wire(t testing.TB, name string) string {
	t.Helper()
	buffer := make([]byte, 300)
	n, err := dns.PackDomainName(name, buffer, 0, nil, false)
	if err != nil {
		t.Fatalf("%q: %v", name, err)
	}
	return string(buffer[:n])
}

func labels(name string) string {
	var b strings.Builder
	for label := range strings.SplitSeq(name, ".") {
		b.WriteByte(byte(len(label)))
		b.WriteString(label)
	}
	return b.String()
}
