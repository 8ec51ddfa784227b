package sasl

// The SASL failure conditions of RFC 6120 §6.5.
const (
	Aborted              = "aborted"                // §6.5.1
	AccountDisabled      = "account-disabled"       // §6.5.2
	CredentialsExpired   = "credentials-expired"    // §6.5.3
	EncryptionRequired   = "encryption-required"    // §6.5.4
	IncorrectEncoding    = "incorrect-encoding"     // §6.5.5
	InvalidAuthzid       = "invalid-authzid"        // §6.5.6
	InvalidMechanism     = "invalid-mechanism"      // §6.5.7
	MalformedRequest     = "malformed-request"      // §6.5.8
	MechanismTooWeak     = "mechanism-too-weak"     // §6.5.9
	NotAuthorized        = "not-authorized"         // §6.5.10
	TemporaryAuthFailure = "temporary-auth-failure" // §6.5.11
)

// Failure ends an exchange without success.
type Failure struct {
	Condition string // what the peer is told: one of the conditions above
	Reason    string // what the journal is told; never a secret, never sent
}

// Error returns condition and reason.
func (f *Failure) Error() string { return f.Condition + ": " + f.Reason }
