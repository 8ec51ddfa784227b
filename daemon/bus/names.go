package bus

// Well-known bus names; each is also the name of the one interface behind it.
const (
	XmppName         = "org.quorate.Xmpp1"
	ConfigName       = "org.quorate.Config1"
	CertificatesName = "org.quorate.Certificates1"
	CallBridgeName   = "org.quorate.CallBridge1"
	FirewallName     = "org.quorate.Firewall1"
)

// Object paths.
const (
	xmppPath         = "/org/quorate/Xmpp1"
	configPath       = "/org/quorate/Config1"
	certificatesPath = "/org/quorate/Certificates1"
	callBridgePath   = "/org/quorate/CallBridge1"
	firewallPath     = "/org/quorate/Firewall1"
)

// errorPrefix and a fault.Code make the D-Bus error name of a fault.
const errorPrefix = "org.quorate.Error."

// service describes a peer on the bus in the words an administrator knows.
type service struct {
	name, path string // bus name (also the interface) and object path
	words      string // "the XMPP service"
	unit       string // the unit behind it; empty when only a reboot can mend its absence
}

var (
	xmppService   = service{XmppName, xmppPath, "the XMPP service", "quorate-xmpp"}
	configService = service{ConfigName, configPath, "the configuration service", "quorate-config"}
	certService   = service{CertificatesName, certificatesPath, "the certificate service", "quorate-cert"}
	bridgeService = service{CallBridgeName, callBridgePath, "the Call Bridge service", "quorate-callbridge"}
	wallService   = service{FirewallName, firewallPath, "the firewall service", "quorate-firewall"}
)
