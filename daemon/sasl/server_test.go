package sasl

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"strings"
	"testing"

	"github.com/xdg-go/scram"

	"quorate.org/daemon/jid"
)

const domain = "meet.example"

// derived holds what accounts derived before, by salt: it is slow on purpose.
var derived = map[string]Credentials{}

// accounts is a Lookup of one user "user" with the password "pencil".
func accounts(t testing.TB, salt []byte) Lookup {
	t.Helper()
	creds, ok := derived[string(salt)]
	if !ok {
		var err error
		if creds, err = Derive("pencil", salt, 4096); err != nil {
			t.Fatal(err)
		}
		derived[string(salt)] = creds
	}
	return func(who jid.JID) (Credentials, bool) {
		if who.Local() == "user" {
			return creds, true
		}
		return Credentials{}, false
	}
}

func configOf(l Lookup, b Binding) Config {
	return Config{Domain: domain, Lookup: l, Offer: Offer{Binding: b}}
}

// channelOf is a binding as the client of xdg-go/scram takes it.
func channelOf(name string, data []byte) scram.ChannelBinding {
	return scram.ChannelBinding{Type: scram.ChannelBindingType(name), Data: data}
}

// TestVectors plays the exchanges of RFC 5802 §5 and RFC 7677 §3.
func TestVectors(t *testing.T) {
	for _, v := range []struct {
		section, mech, salt, nonce string
		first, challenge, final    string
		success                    string
	}{
		{
			"RFC 5802 §5", ScramSHA1, "A%\xc2G\xe4:\xb1\xe9<m\xffv", "3rfcNHYJY1ZVvWVs7j",
			"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
			"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
			"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
			"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
		},
		{
			"RFC 7677 §3", ScramSHA256, "[m\x99h\x9d\x125\x8e\xec\xa0K\x14\x126\xfa\x81", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
			"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
			"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
			"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
			"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
		},
	} {
		t.Run(v.section, func(t *testing.T) {
			m, _ := mechanismOf(v.mech)
			x := newScram(m, configOf(accounts(t, []byte(v.salt)), Binding{}))
			x.newNonce, x.protect = func() string { return v.nonce }, ""
			s := &Server{exchange: x}
			out, done, err := s.Step([]byte(v.first))
			if string(out) != v.challenge || done || err != nil {
				t.Fatalf("challenge %q, %v, %v", out, done, err)
			}
			out, done, err = s.Step([]byte(v.final))
			if string(out) != v.success || !done || err != nil {
				t.Fatalf("success %q, %v, %v", out, done, err)
			}
			if got := s.Account().String(); got != "user@"+domain {
				t.Errorf("account %q", got)
			}
		})
	}
}

// attempt is one sign-in by the client of xdg-go/scram.
type attempt struct {
	mech           string
	user, password string
	authzid        string
	offered        Binding              // what the server has
	used           scram.ChannelBinding // what the client binds to
	sees           bool                 // the client knows bindings but saw no -PLUS: flag y
}

// play runs the attempt to its end.
func (a attempt) play(t testing.TB) (*Server, error) {
	t.Helper()
	s, err := NewServer(a.mech, configOf(accounts(t, []byte("0123456789abcdef")), a.offered))
	if err != nil {
		return nil, err
	}
	client, err := map[bool]scram.HashGeneratorFcn{true: scram.SHA1, false: scram.SHA256}[strings.HasPrefix(a.mech, ScramSHA1)].NewClientUnprepped(a.user, a.password, a.authzid)
	if err != nil {
		t.Fatal(err)
	}
	conv := client.NewConversation()
	switch {
	case a.used.IsSupported():
		conv = client.NewConversationWithChannelBinding(a.used)
	case a.sees:
		conv = client.NewConversationAdvertisingChannelBinding()
	}
	var in string
	for {
		msg, err := conv.Step(in)
		if err != nil {
			t.Fatalf("client: %v", err)
		}
		out, done, err := s.Step([]byte(msg))
		if err != nil {
			return s, err
		}
		if in = string(out); done {
			break
		}
	}
	if _, err := conv.Step(in); err != nil || !conv.Valid() {
		t.Fatalf("the client does not believe the server: %v", err)
	}
	return s, nil
}

func TestExchange(t *testing.T) {
	both := Binding{Exporter: bytes.Repeat([]byte{1}, 32), EndPoint: bytes.Repeat([]byte{2}, 32)}
	exporter := channelOf(Exporter, both.Exporter)
	endpoint := channelOf(EndPoint, both.EndPoint)
	for name, c := range map[string]struct {
		attempt
		want string // failure condition, "" for success
	}{
		"sha-1":                 {attempt{mech: ScramSHA1, user: "user", password: "pencil"}, ""},
		"sha-256":               {attempt{mech: ScramSHA256, user: "user", password: "pencil"}, ""},
		"mapped user name":      {attempt{mech: ScramSHA256, user: "USER", password: "pencil"}, ""},
		"no binding known":      {attempt{mech: ScramSHA256, user: "user", password: "pencil", offered: both}, ""},
		"tls-exporter":          {attempt{mech: ScramSHA256Plus, user: "user", password: "pencil", offered: both, used: exporter}, ""},
		"tls-server-end-point":  {attempt{mech: ScramSHA1Plus, user: "user", password: "pencil", offered: both, used: endpoint}, ""},
		"own authzid":           {attempt{mech: ScramSHA256, user: "user", password: "pencil", authzid: "user@meet.example"}, ""},
		"y without PLUS":        {attempt{mech: ScramSHA256, user: "user", password: "pencil", sees: true}, ""},
		"wrong password":        {attempt{mech: ScramSHA256, user: "user", password: "pen"}, NotAuthorized},
		"unknown user":          {attempt{mech: ScramSHA256, user: "nobody", password: "pencil"}, NotAuthorized},
		"impossible user":       {attempt{mech: ScramSHA256, user: "a b", password: "pencil"}, NotAuthorized},
		"other authzid":         {attempt{mech: ScramSHA256, user: "user", password: "pencil", authzid: "admin@meet.example"}, InvalidAuthzid},
		"full authzid":          {attempt{mech: ScramSHA256, user: "user", password: "pencil", authzid: "user@meet.example/a"}, InvalidAuthzid},
		"authzid no JID":        {attempt{mech: ScramSHA256, user: "user", password: "pencil", authzid: "@"}, InvalidAuthzid},
		"authzid, wrong secret": {attempt{mech: ScramSHA256, user: "user", password: "x", authzid: "admin@meet.example"}, NotAuthorized},
		"downgrade":             {attempt{mech: ScramSHA256, user: "user", password: "pencil", offered: both, sees: true}, NotAuthorized},
		"other channel":         {attempt{mech: ScramSHA256Plus, user: "user", password: "pencil", offered: both, used: channelOf(Exporter, both.EndPoint)}, NotAuthorized},
		"tls-unique":            {attempt{mech: ScramSHA256Plus, user: "user", password: "pencil", offered: both, used: channelOf("tls-unique", both.EndPoint)}, NotAuthorized},
		"type not usable":       {attempt{mech: ScramSHA256Plus, user: "user", password: "pencil", offered: Binding{Exporter: both.Exporter}, used: endpoint}, NotAuthorized},
		"PLUS unbound":          {attempt{mech: ScramSHA256Plus, user: "user", password: "pencil", offered: both}, NotAuthorized},
		"bound without PLUS":    {attempt{mech: ScramSHA256, user: "user", password: "pencil", offered: both, used: exporter}, MalformedRequest},
		"PLUS not offered":      {attempt{mech: ScramSHA256Plus, user: "user", password: "pencil"}, InvalidMechanism},
		"no such mechanism":     {attempt{mech: "DIGEST-MD5", user: "user", password: "pencil"}, InvalidMechanism},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := c.play(t)
			if got := condition(err); got != c.want {
				t.Fatalf("got %q (%v), want %q", got, err, c.want)
			}
			if err == nil && s.Account().String() != "user@meet.example" {
				t.Errorf("account %q", s.Account())
			}
		})
	}
}

func condition(err error) string {
	var f *Failure
	if errors.As(err, &f) {
		return f.Condition
	}
	return ""
}

func TestMalformed(t *testing.T) {
	for _, in := range []string{
		"p=,,n=user,r=abc", "N,,n=user,r=abc", "n,,n=user,x=r=abc", "n,b=user,n=user,r=abc",
		"", "n", "n,,", "n,,n=user", "x,,n=user,r=abc", "n,,n=,r=abc", "n,,n=user,r=",
		"n,,n=user,r=a b", "n,,n=user,r=a\x00b", "n,,n=us=er,r=abc", "n,a=u=X,n=user,r=abc",
		"n,,m=x,n=user,r=abc", "n,user,n=user,r=abc", "n,,r=abc,n=user", "n,,n=\xff,r=abc",
	} {
		s, err := NewServer(ScramSHA256, configOf(accounts(t, []byte("salt")), Binding{}))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Step([]byte(in)); condition(err) != MalformedRequest {
			t.Errorf("%q: %v", in, err)
		}
	}
}

// TestUnknownUser holds that an unknown user's challenge can not be told from an
// account's: same form, same salt each time, other salts for other users.
func TestUnknownUser(t *testing.T) {
	challenge := func(user string) (salt, iterations string) {
		s, _ := NewServer(ScramSHA256, configOf(accounts(t, []byte("0123456789abcdef")), Binding{}))
		out, _, err := s.Step([]byte("n,,n=" + user + ",r=abc"))
		if err != nil {
			t.Fatal(err)
		}
		f := strings.Split(string(out), ",")
		return f[1], f[2]
	}
	known, _ := challenge("user")
	a1, i := challenge("alice")
	a2, _ := challenge("alice")
	b, _ := challenge("bob")
	if a1 != a2 || a1 == b || len(a1) != len(known) || i != "i=10000" {
		t.Errorf("alice %q, again %q, bob %q, a known one %q, %s", a1, a2, b, known, i)
	}
}

// TestFinalMalformed: what is no client-final-message, and what is another's.
func TestFinalMalformed(t *testing.T) {
	for in, want := range map[string]string{
		"c=biws,r=abc": MalformedRequest, "c=biws,p=AAAA": MalformedRequest, "r=abc,c=biws,p=AAAA": MalformedRequest,
		"c=biws,r=,p=AAAA": MalformedRequest, "c=*,r=abc,p=AAAA": MalformedRequest, "c=biws,r=abc,p=*": MalformedRequest,
		"": MalformedRequest, ",p=": MalformedRequest, "c=biws,r=abc,p=AAAA": NotAuthorized, "c=eSws,r=abc,p=AAAA": NotAuthorized,
	} {
		s, err := NewServer(ScramSHA256, configOf(accounts(t, []byte("salt")), Binding{}))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Step([]byte("n,,n=user,r=abc")); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Step([]byte(in)); condition(err) != want {
			t.Errorf("%q: %v, want %s", in, err, want)
		}
	}
}

// TestProtection computes the example of XEP-0474 §4.3, and looks for the
// attribute in a challenge.
func TestProtection(t *testing.T) {
	got := protection(sha1.New, []string{ScramSHA1Plus, ScramSHA1}, []string{EndPoint, Exporter})
	if want := "G6k/rBLDqgOhRRaCuuatSDFkJ08="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if with, without := got, protection(sha1.New, []string{ScramSHA1Plus, ScramSHA1}, nil); with == without {
		t.Error("the binding types have no part in it")
	}
	s, _ := NewServer(ScramSHA1, configOf(accounts(t, []byte("salt")), Binding{EndPoint: []byte("x")}))
	out, _, err := s.Step([]byte("n,,n=user,r=abc"))
	want := ",h=" + protection(sha1.New, []string{ScramSHA1, ScramSHA1Plus, ScramSHA256, ScramSHA256Plus}, []string{EndPoint})
	if err != nil || !strings.HasSuffix(string(out), want) {
		t.Errorf("challenge %s, %v, want it to end in %s", out, err, want)
	}
}

// TestExternal follows XEP-0178 §2, steps 10 and 11.
func TestExternal(t *testing.T) {
	user, ghost := jid.MustParse("user@"+domain), jid.MustParse("ghost@"+domain)
	for name, c := range map[string]struct {
		proved []jid.JID
		in     string
		want   string // failure condition, or the account
	}{
		"one":                 {[]jid.JID{user}, "", "user@" + domain},
		"one, named":          {[]jid.JID{user}, "USER@" + domain, "user@" + domain},
		"one, another named":  {[]jid.JID{user}, "admin@" + domain, InvalidAuthzid},
		"full JID":            {[]jid.JID{user}, "user@" + domain + "/x", InvalidAuthzid},
		"no JID":              {[]jid.JID{user}, "@", InvalidAuthzid},
		"two":                 {[]jid.JID{ghost, user}, "", InvalidAuthzid},
		"two, named":          {[]jid.JID{ghost, user}, "user@" + domain, "user@" + domain},
		"removed meanwhile":   {[]jid.JID{ghost}, "", NotAuthorized},
		"not UTF-8":           {[]jid.JID{user}, "\xff", MalformedRequest},
		"without certificate": {nil, "", InvalidMechanism},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := configOf(accounts(t, []byte("salt")), Binding{})
			cfg.Offer.Proved = c.proved
			s, err := NewServer(External, cfg)
			if err == nil {
				_, _, err = s.Step([]byte(c.in))
			}
			got := condition(err)
			if err == nil {
				got = s.Account().String()
			}
			if got != c.want {
				t.Errorf("got %s (%v), want %s", got, err, c.want)
			}
		})
	}
	if got := (Offer{Proved: []jid.JID{user}}).Mechanisms(); got[0] != External {
		t.Errorf("not preferred: %v", got)
	}
}

// TestGuard: an account that is held back, and one that does not exist, get the
// same answer at the same step, by every mechanism.
func TestGuard(t *testing.T) {
	for _, first := range []string{"n,,n=user,r=abc", "n,,n=nobody,r=abc"} {
		cfg := configOf(accounts(t, []byte("salt")), Binding{})
		cfg.Guard = func(jid.JID) bool { return false }
		s, _ := NewServer(ScramSHA256, cfg)
		if _, _, err := s.Step([]byte(first)); condition(err) != TemporaryAuthFailure {
			t.Errorf("%s: %v", first, err)
		}
	}
	cfg := configOf(accounts(t, []byte("salt")), Binding{})
	cfg.Guard, cfg.Offer.Proved = func(jid.JID) bool { return false }, []jid.JID{jid.MustParse("user@" + domain)}
	s, _ := NewServer(External, cfg)
	if _, _, err := s.Step(nil); condition(err) != TemporaryAuthFailure {
		t.Errorf("by certificate: %v", err)
	}
}

func TestStepsAfterTheEnd(t *testing.T) {
	s, _ := NewServer(ScramSHA256, configOf(accounts(t, []byte("salt")), Binding{}))
	for _, in := range []string{"n,,n=user,r=abc", "c=biws,r=abc,p=AAAA", "c=biws,r=abc,p=AAAA"} {
		_, done, err := s.Step([]byte(in))
		if done {
			t.Fatalf("%q signed in", in)
		}
		if in[0] == 'c' && err == nil {
			t.Errorf("%q: no failure", in)
		}
	}
}

func FuzzServer(f *testing.F) {
	f.Add("n,,n=user,r=abc", "c=biws,r=abc,p=AAAA")
	f.Add("p=tls-exporter,a=x,n=user,r=abc,e=1", "c=cD10bHM=,r=abc,x=1,p=")
	f.Add("y,,n=u=2Cser,r=abc", ",,,")
	lookup := accounts(f, []byte("salt"))
	f.Fuzz(func(t *testing.T, first, final string) {
		cfg := configOf(lookup, Binding{Exporter: []byte("x")})
		for _, mech := range cfg.Offer.Mechanisms() {
			s, err := NewServer(mech, cfg)
			if err != nil {
				t.Fatal(err)
			}
			// The nonce is random: no input found in advance can be a proof.
			for _, in := range []string{first, final} {
				_, done, err := s.Step([]byte(in))
				if done || err != nil && condition(err) == "" {
					t.Fatalf("%q: done %v, %v", in, done, err)
				}
				if err != nil {
					break
				}
			}
		}
	})
}

func BenchmarkExchange(b *testing.B) {
	for b.Loop() {
		s, _ := NewServer(ScramSHA256, configOf(func(jid.JID) (Credentials, bool) { return Credentials{}, false }, Binding{}))
		s.Step([]byte("n,,n=user,r=abc"))
		s.Step([]byte("c=biws,r=abc,p=AAAA"))
	}
}
