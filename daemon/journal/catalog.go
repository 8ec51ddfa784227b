package journal

import (
	"fmt"
	"strings"
)

// event is one entry of the catalog (systemd.journal catalog format).
type event struct {
	id      MessageID
	subject string
	text    string // what it means and what to do; @FIELD@ is filled in by journalctl
}

var events = []event{
	{ChangeMade, "A change was made by @CALLER@", "User @CALLER@ (from @CALLER_FROM@) called @METHOD@ of @INTERFACE@ and it was done."},
	{ChangeRefused, "A change by @CALLER@ was refused", "User @CALLER@ (from @CALLER_FROM@) called @METHOD@ of @INTERFACE@. Nothing changed; the message gives the reason."},
	{ConfigApplied, "Configuration generation @GENERATION@ is in force", "The files under /etc/quorate were accepted. `config show` prints each value and the file it comes from."},
	{ConfigRefused, "The configuration files were refused", "The message names each file, line and reason. The last good configuration stays in force.\nMend the file, then `systemctl reload quorate-config`."},
	{ConfigRestart, "A setting ends streams", "quorate-xmpp starts anew within itself to take the named keys over: the streams of this node end and are opened again by\nclients and call bridges."},
	{ConfigDrift, "A file differs from the cluster", "A cluster-scope key in a file has another value than the cluster. The cluster's value stays in force;\nchange it with the `xmpp` commands or make the file agree."},
	{ServiceEnabled, "The XMPP service is open", "Client and component ports are open."},
	{ServiceDisabled, "The XMPP service is closed", "Client and component ports are closed; cluster membership is untouched."},
	{LeaderElected, "A leader was elected", "@LEADER@ leads the cluster in term @TERM@."},
	{LeaderLost, "The leader was lost", "Traffic waits in bounded queues until the others have elected a new leader. See `xmpp cluster status`."},
	{QuorumLost, "There is no quorum", "Fewer than a majority of the voters can be reached. Streams stay up, configuration writes are refused.\nBring nodes back; a lone survivor is brought back with `xmpp cluster recover --force`."},
	{QuorumRegained, "There is a quorum again", "A majority of the voters can be reached."},
	{NodeJoined, "A node joined the cluster", "The node is a voter and has caught up."},
	{NodeLeft, "A node left the cluster", "The node was removed and does not count for the quorum any more."},
	{NodeFailed, "A node does not answer", "The node still counts for the quorum. If it is gone for good: `xmpp cluster remove <node>`."},
	{NodeReturned, "A node answers again", "It catches up with the others by itself."},
	{JoinRefused, "A join was refused", "Nothing changed on either side; the message names what differs."},
	{PeerRefused, "A peer was refused", "A node was not let in, or this node was not let in there; the message gives the reason: a certificate that is not\nin the cluster trust (see `xmpp cluster trust`), another cluster, a node that was removed or never joined, or too many\nconnections of one address."},
	{CloneSeen, "A node identity was seen twice", "Two machines run with the same node ID, as clones do. Run `xmpp reset --force` on the copy.\nA copy on other hardware takes a new node ID by itself."},
	{Recovered, "A lone survivor was made a cluster of one", "What the lost nodes had accepted and this one had not received is gone. Join fresh nodes to regain resilience."},
	{CallBridgeConnected, "A call bridge connected", "Call bridge @CALLBRIDGE@ is connected to this node."},
	{CallBridgeLost, "A call bridge disconnected", "Call bridge @CALLBRIDGE@ is no longer connected to this node."},
	{LinkUp, "The Call Bridge is connected", "The Call Bridge of this node is signed in at @SERVER@ (@REMOTE@)."},
	{LinkDown, "The Call Bridge is not connected", "The Call Bridge of this node has no link to its domain; it goes on trying by itself. What mends it: @REMEDY@.\n`callbridge` shows each server that was tried."},
	{SignInRefused, "A sign-in was refused", "The message says whether the name is unknown or the secret wrong."},
	{StreamRefused, "A stream was ended for bad input", "The peer sent what RFC 6120 forbids; the message names the stream error."},
	{CertificateAccepted, "A certificate file was accepted", "@FILE@ is in the store."},
	{CertificateRejected, "A certificate file was rejected", "@FILE@ was not taken in; the message gives the reason. See `pki list`."},
	{CertificateExpiring, "A certificate expires soon", "Renew @FILE@: upload the new certificate under the same name."},
	{CertificateExpired, "A certificate has expired", "@FILE@ is past its validity; peers and clients refuse it. Upload a new one under the same name, and check the clock."},
	{KeyExported, "A private key was exported", "@FILE@ holds a private key, protected by the passphrase that was typed."},
	{SignedIn, "@USER@ signed in to Web Admin", "User @USER@ signed in from @FROM@ as @ROLE@. Each change made there has an entry of its own."},
	{SignInFailed, "A sign-in to Web Admin failed", "A sign-in from @FROM@ was refused; the message gives the reason. A name that is no account is not written down: it may be\na password in the wrong field. After ten wrong passwords an account rests for a minute."},
	{WebRefused, "Web Admin refused a request", "A request from @FROM@ was of a form that no page of Web Admin sends: a forged or foreign form, a method or a size that is not\ntaken. Nothing was done. One now and then is a stray program; many are an attack, which a firewall may end."},
	{WebThrottled, "Sign-ins to Web Admin are slowed down", "Too many sign-ins from @FROM@, or for one account, failed. The next one has to wait, at most five minutes.\nA person is not kept out at places where they signed in before."},
	{PasswordSet, "The password of @USER@ was set at the console", "Somebody at the console of the machine set it: the first one, or a new one after the node was started with quorate.recover=1.\nSSH and Web Admin take it from now on."},
	{Provisioned, "A value was taken from what the machine was given", "@KEY@ came from @SOURCE@. It is applied once: what is changed later stays."},
	{ProvisionRefused, "A value that the machine was given is not used", "The message names the value, where it came from, and what would be right. The node starts without it. A corrected value is\ntaken at the next start."},
	{NodeTakenBack, "A restored node is a member again", "The cluster has taken this node back under its old node ID, first without a vote; it votes when it has caught up."},
	{BackupMade, "A backup was made", "@FILE@ holds what this node keeps, private keys included, sealed under the passphrase that was typed."},
	{BackupRestored, "A backup was restored", "Parts of @FILE@ replaced what this node kept; the message names them. A member of a cluster asks the others to take it back."},
	{BackupFetched, "A backup was fetched in Web Admin", "@FILE@ was sent to a browser. It is sealed under its passphrase."},
	{RecoveryKeyShown, "The recovery key of the disk was shown", "Whoever has it and a copy of the disk can read all of it."},
	{FactoryReset, "The node was reset to factory settings", "Settings, certificates, keys, XMPP data and the exchange folder of this node were removed. Accounts and network stay,\nunless the reset was a full one: then the next start erases all of the disk that is the node's own."},
	{UpgradeInstalled, "A new version was installed", "Version @VERSION@ lies beside the one that runs and starts when the node restarts. If it does not come up, it is undone."},
	{UpgradeUndone, "A new version did not come up and was undone", "Version @VERSION@ was started as often as it may and never came up; the version before it runs again. The journal of those starts\nsays why: journalctl --list-boots."},
	{UpgradeRolledBack, "The node was rolled back", "Version @VERSION@ starts when the node restarts; the version that ran is kept and set aside."},
}

// Catalog returns the text of the journal catalog file for every event.
func Catalog() string {
	var b strings.Builder
	b.WriteString("# Generated from daemon/journal; `go generate ./daemon/journal` writes it.\n")
	for _, e := range events {
		fmt.Fprintf(&b, "\n-- %s\nSubject: %s\nDefined-By: Quorate\nSupport: https://quorate.org/\n\n%s\n", e.id, e.subject, e.text)
	}
	return b.String()
}
