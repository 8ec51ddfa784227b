package journal

import "log/slog"

// MessageID is the MESSAGE_ID of a class of events, as in `journalctl
// MESSAGE_ID=…`; `journalctl -x` explains it. An ID never changes once
// published.
type MessageID string

// ID is the attribute that gives a record its MESSAGE_ID.
func ID(id MessageID) slog.Attr { return slog.String(messageIDKey, string(id)) }

// messageIDKey is the attribute key that becomes the MESSAGE_ID field.
const messageIDKey = "message_id"

// The events. Their catalog text is in catalog.go.
const (
	ChangeMade          MessageID = "f51bb015c00f418d95e59feccdb47f62"
	ChangeRefused       MessageID = "bced74be0030433e9e2c57a7f762c9f9"
	ConfigApplied       MessageID = "9386044f03c54dd89e0a458064a19fb4"
	ConfigRefused       MessageID = "52d51637db4c47398f5ea7efd62058ce"
	ConfigRestart       MessageID = "bf416b226e2f4c43ba3b160c59053812"
	ConfigDrift         MessageID = "8d4e4a4e5f0b4a278a90b736c2c73803"
	ServiceEnabled      MessageID = "30e5049d1ca04aaeb87d343fb234cd54"
	ServiceDisabled     MessageID = "4b3293e60c674586a29f27fab0ffe2f6"
	LeaderElected       MessageID = "f91c814b1c964ca0b95a94500b74475b"
	LeaderLost          MessageID = "20d064f8652e4b3abb80f453732795cc"
	QuorumLost          MessageID = "92d7802948044a85801fa6c21ddf9d75"
	QuorumRegained      MessageID = "aa9a8ccb1fd64afb8ce59167ff8e4aaa"
	NodeJoined          MessageID = "3bb08bddd102422abac38988fb1e6db8"
	NodeLeft            MessageID = "de8258cb6fae4ec2bd47cceeaa0440a7"
	NodeFailed          MessageID = "3e95a924d4ed49509a4a91beb4eda51f"
	NodeReturned        MessageID = "42e714247d704f3184d5473471c99a07"
	JoinRefused         MessageID = "9422590b018c49188be1c97b08755737"
	PeerRefused         MessageID = "2dbdcd3a518c485897eb303cb9532944"
	CloneSeen           MessageID = "c717574fcc934eea91caeca1dde5ec4e"
	Recovered           MessageID = "3cf6055598994a3bb9d509930d9eac19"
	CallBridgeConnected MessageID = "08ee22bed9964043a7b0be6fd4664ae1"
	CallBridgeLost      MessageID = "f396850b993c46108ffcfbc34d23355c"
	LinkUp              MessageID = "256a7a11d222416ab9081ff66a9abd09"
	LinkDown            MessageID = "a3d176eeba9b4e9ea407d2210ccdcbf5"
	SignInRefused       MessageID = "374b81eb27924fc3951ced65c79a2296"
	StreamRefused       MessageID = "bbfb2e12c9644d3393c63beda99a9de0"
	CertificateAccepted MessageID = "cf6d4670a5534c8b95b3a4406805a031"
	CertificateRejected MessageID = "39ea41d2192b45ca813ac58ee6839674"
	CertificateExpiring MessageID = "ea66f3a3d93149b2a3d9c2825cdf2db1"
	CertificateExpired  MessageID = "d8ed8e947e4f44318df0b2e9cf6ab565"
	KeyExported         MessageID = "50ee3341fe4b4c89aea981a21357a061"
	SignedIn            MessageID = "575949dd3dd24c28981d07bc93173bf8"
	SignInFailed        MessageID = "3114d2c5a411451692ae0b932e2af69d"
	WebRefused          MessageID = "fa931359cd766ad019b2b8191b4f2eb5"
	WebThrottled        MessageID = "9576950d4126037fac35809c88ea3fe3"
	PasswordSet         MessageID = "5b2c6f0e7d5f4d0fa1c5e5a3b8c90d17"
	Provisioned         MessageID = "c0e1f0a94b2a4b6c8d6f7a51e2d3b489"
	ProvisionRefused    MessageID = "a94be27f6c1d45f2b30f8e6d19c7a520"
	NodeTakenBack       MessageID = "743a102029644da098acb0231f6bc547"
	BackupMade          MessageID = "fd5db68d3aa94b53aea7dc5f51f8ff72"
	BackupRestored      MessageID = "858929fbcbca46a5b99004cbdf37ab19"
	BackupFetched       MessageID = "0f7c51d4e2a94b3ba6d8c9475e10b7d3"
	RecoveryKeyShown    MessageID = "6a1de0957b3c42f8b05f2c8e4d79a1f6"
	FactoryReset        MessageID = "465f9587af0c4a579ea34c0b2162454d"
	UpgradeInstalled    MessageID = "1f0d3f4c9b5e4d1c8a6a7be03c41d5f2"
	UpgradeUndone       MessageID = "b2c3a9d86e174f0f9d5b46c0a7e8f113"
	UpgradeRolledBack   MessageID = "5d8e60b71a2c4e39b7f4c9d215e03a6b"
)
