package screen

import "quorate.org/daemon/password"

// next is the one thing to do now, as on the way from a new machine to a member.
func next(f Facts) string {
	x := f.Xmpp
	switch {
	case f.Want == password.Recover:
		return "Set a new password for admin: press Enter."
	case f.Want == password.First:
		return "Set the password of admin: press Enter."
	case !f.address().IsValid():
		return "Give this node an address: connect a network with DHCP, or provision one."
	case f.Silent != "":
		return "Wait for the services to start, or sign in and look: health"
	case x.Key == "" || x.Certificate == "":
		return "Upload key and certificate by SFTP, then: xmpp certs <key> <certificate>"
	case x.Domain == "":
		return "Set the domain: xmpp domain <domain>"
	case !f.member() && f.Cluster.State != "NO LEADER" && f.Cluster.State != "CANDIDATE":
		return "Join a cluster: xmpp cluster join <member>; the first: xmpp cluster initialize"
	case !x.Enabled:
		return "Open the ports for clients: xmpp enable"
	case len(f.Faults) > 0:
		return "Mend the faults above; sign in and look: health"
	}
	return "Nothing: this node is a member of the cluster."
}

// leave is what the keys do.
func leave(f Facts) string {
	enter := "Enter: sign in"
	if f.Want != password.None {
		enter = "Enter: set the password of admin"
	}
	return enter + "    K: keyboard layout"
}
