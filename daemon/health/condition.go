package health

import "quorate.org/daemon/fault"

// Severity says how bad a condition is.
type Severity string

// The severities.
const (
	Warning Severity = "warning" // it works, and one thing more may stop it
	Error   Severity = "error"   // something does not work, or stops working at a known date
)

// Condition is a state that Look tells of, whatever its exact text.
type Condition struct {
	Code     fault.Code `json:"code"`
	Title    string     `json:"title"`
	Severity Severity   `json:"severity"`
	Means    string     `json:"means"`  // what it means, a sentence
	Remedy   string     `json:"remedy"` // where to begin; what is found may know better
}

// registry has every condition, in the order in which `health --all` lists them.
var registry = []Condition{
	{Code: fault.UnitFailed, Severity: Error,
		Means: "A system service of this node has failed.", Remedy: "journalctl -u <unit>"},
	{Code: fault.Unavailable, Severity: Error,
		Means: "The system bus or a service does not run, or something it needs does not answer.", Remedy: "systemctl start <unit>"},
	{Code: fault.Timeout, Severity: Error,
		Means: "A service did not answer in time.", Remedy: "journalctl -u <unit>"},
	{Code: fault.Version, Severity: Error,
		Means: "Two parts of the software are of versions that can not work together.", Remedy: "systemctl restart <unit>, or upgrade the older node"},
	{Code: fault.InvalidConfiguration, Severity: Error,
		Means: "The configuration files are refused; the last good ones stay in force.", Remedy: "config edit, or mend the file and systemctl reload quorate-config"},
	{Code: fault.Drift, Severity: Warning,
		Means: "A configuration file says other than what the cluster uses.", Remedy: "change the files, or set the value in use with its command"},
	{Code: fault.NotFound, Severity: Error,
		Means: "A file, an address or a network card that a setting names is not there.", Remedy: "xmpp"},
	{Code: fault.WrongState, Severity: Error,
		Means: "The XMPP server can not serve as it is set up: a port in use, say.", Remedy: "xmpp"},
	{Code: fault.NoQuorum, Severity: Error,
		Means: "Fewer than a majority of the voters reach each other; nothing can be changed and nobody can sign in.", Remedy: "bring the missing nodes back"},
	{Code: fault.NoTolerance, Severity: Warning,
		Means: "The cluster works, and one more node that fails stops it.", Remedy: "a third node, or bring the missing ones back"},
	{Code: fault.Member, Severity: Warning,
		Means: "A member of the cluster does not answer or is behind.", Remedy: "xmpp cluster status"},
	{Code: fault.Cloned, Severity: Error,
		Means: "Another node has this node's identity: a copy of its disk.", Remedy: "xmpp reset on the copy"},
	{Code: fault.DNS, Severity: Error,
		Means: "A name that the Call Bridge needs does not resolve.", Remedy: "dns check"},
	{Code: fault.TCP, Severity: Error,
		Means: "A server refuses connections or does not answer.", Remedy: "dns check"},
	{Code: fault.TLS, Severity: Error,
		Means: "A server and this node do not agree on an encrypted connection.", Remedy: "callbridge"},
	{Code: fault.Trust, Severity: Error,
		Means: "A certificate is signed by nobody that this node trusts.", Remedy: "callbridge trust <bundle>, or xmpp cluster trust <bundle>"},
	{Code: fault.UnknownComponent, Severity: Error,
		Means: "A call bridge signed in under a name that the XMPP servers do not have.", Remedy: "xmpp callbridge add <name> on an XMPP server"},
	{Code: fault.WrongSecret, Severity: Error,
		Means: "A call bridge signed in with another secret than the XMPP servers have.", Remedy: "xmpp callbridge list on an XMPP server"},
	{Code: fault.SecretConflict, Severity: Error,
		Means: "Two nodes have different secrets for one call bridge.", Remedy: "xmpp callbridge check"},
	{Code: fault.WrongDomain, Severity: Error,
		Means: "Two nodes, or a node and the Call Bridge, have different domains.", Remedy: "xmpp"},
	{Code: fault.Expired, Severity: Error,
		Means: "A certificate in use has expired or will within 60 days.", Remedy: "upload a renewed certificate under the same name"},
	{Code: fault.NotYetValid, Severity: Error,
		Means: "A certificate in use is not valid yet; or the clock is wrong.", Remedy: "pki inspect <file>, and the clock in status"},
	{Code: fault.CertificateName, Severity: Error,
		Means: "A certificate in use does not name the domain or the host.", Remedy: "pki csr, with the names it needs"},
	{Code: fault.KeyMismatch, Severity: Error,
		Means: "A key does not belong to its certificate.", Remedy: "pki match <key> <certificate>"},
	{Code: fault.WeakKey, Severity: Error,
		Means: "A key is below the strength that is accepted.", Remedy: "pki csr"},
	{Code: fault.Incomplete, Severity: Warning,
		Means: "An uploaded file is not whole, or waits for its passphrase or for a word from an administrator.", Remedy: "pki list"},
	{Code: fault.InvalidArgument, Severity: Error,
		Means: "An uploaded file was refused.", Remedy: "pki remove <file>"},
	{Code: fault.Clock, Severity: Error,
		Means: "The clock is not synchronised; a wrong clock makes good certificates look expired.", Remedy: "systemctl status systemd-timesyncd"},
	{Code: fault.DiskFull, Severity: Error,
		Means: "A file system is 90 % full or more.", Remedy: "journalctl --vacuum-size=100M"},
	{Code: fault.MemoryFull, Severity: Warning,
		Means: "Less than 5 % of the memory is available.", Remedy: "more memory, or fewer sessions on this node"},
	{Code: fault.Firewall, Severity: Error,
		Means: "The packet filter is not as the settings want it: ports may be shut, or open that should not be.", Remedy: "firewall"},
	{Code: fault.Undone, Severity: Warning,
		Means: "A new version of the software did not come up and was undone; the one before it runs.", Remedy: "journalctl -t upgrade, then upgrade to a mended version"},
	{Code: fault.Internal, Severity: Error,
		Means: "A fault of this program.", Remedy: "logbundle, and report it with that"},
}

// Conditions lists every condition that Look knows by name.
func Conditions() []Condition {
	all := make([]Condition, len(registry))
	for i, c := range registry {
		c.Title = c.Code.Title()
		all[i] = c
	}
	return all
}

// Of returns the condition of a code. One that is not registered, from a
// service of another version perhaps, is an error without further words.
func Of(code string) Condition {
	for _, c := range Conditions() {
		if string(c.Code) == code {
			return c
		}
	}
	c := fault.Code(code)
	return Condition{Code: c, Title: c.Title(), Severity: Error}
}
