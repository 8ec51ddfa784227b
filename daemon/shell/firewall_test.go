package shell

import (
	"context"
	"strings"
	"testing"

	"quorate.org/daemon/bus"
)

type testFirewall struct{ ports []bus.OpenPort }

func (f testFirewall) Ports(context.Context) ([]bus.OpenPort, error) { return f.ports, nil }

func TestFirewallStatus(t *testing.T) {
	startNode(t)
	if out, code := run1(t, "firewall", ""); code == 0 || !strings.Contains(out, "REMEDY: systemctl start quorate-firewall") {
		t.Errorf("without the service: exit status %d\n%s", code, out)
	}
	object, err := dialTest(t).ServeFirewall(testFirewall{[]bus.OpenPort{
		{Port: 22, Protocol: "tcp", Service: "SSH and SFTP", Open: true},
		{Port: 5222, Protocol: "tcp", Service: "XMPP clients", Setting: "xmpp.client_port", Listen: []string{"a", "10.0.0.1"}},
	}}, bus.FirewallProperties{State: "in force", Text: "in force, 1 port is open"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "PORT  PROTOCOL  STATE   SERVICE       LISTENS ON  BY\n" +
		"22    tcp       open    SSH and SFTP  all         always\n" +
		"5222  tcp       closed  XMPP clients  a 10.0.0.1  xmpp.client_port\n" +
		"STATUS                  : firewall in force\n"
	if out, code := run1(t, "firewall", ""); code != 0 || out != want {
		t.Errorf("exit status %d\n%s\nwant\n%s", code, out, want)
	}
	if err := object.Publish(bus.FirewallProperties{State: "failed", Code: "Firewall", Text: "no", Remedy: "mend it"}); err != nil {
		t.Fatal(err)
	}
	if out, _ := run1(t, "firewall status", ""); !strings.HasSuffix(out, "Fault                   : no; mend it\nSTATUS                  : firewall failed\n") {
		t.Errorf("failed:\n%s", out)
	}
	if out, _ := run1(t, "firewall --json", ""); !strings.Contains(out, `"setting": "xmpp.client_port"`) || !strings.Contains(out, `"code": "Firewall"`) {
		t.Errorf("JSON:\n%s", out)
	}
}
