package pam_test

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pam"
	"quorate.org/daemon/pam/pamtest"
)

func TestMain(m *testing.M) { os.Exit(pamtest.Main(m)) }

func check(user, password string) (string, error) {
	return pam.Check(pam.Request{Service: pamtest.Service, User: user, Password: []byte(password), From: "192.0.2.7"})
}

func TestWhoIsLetIn(t *testing.T) {
	const wrong = "the name or the password is wrong"
	tests := []struct{ user, password, want string }{
		{"admin", pamtest.Password, ""},
		{"operator", pamtest.Password, ""},
		{"admin", "wrong", wrong},
		{"admin", "", wrong},
		{"admin", pamtest.Password + "\x00", wrong},
		{"admin\x00", pamtest.Password, wrong},
		{"admin", strings.Repeat("x", 512), wrong},
		{"nobody-there", pamtest.Password, wrong},
		{"", pamtest.Password, wrong},
		{"none", "anything", wrong}, // an account without a password, although the stack says nullok
		{"locked", pamtest.Password, wrong},
		{"expired", pamtest.Password, "the account is locked or has expired"},
		{"expired", "wrong", wrong},
		{"stale", pamtest.Password, "the password has expired"},
		{"stale", "wrong", wrong},
	}
	for _, tt := range tests {
		t.Run(tt.user+" "+tt.password, func(t *testing.T) {
			user, err := check(tt.user, tt.password)
			if tt.want == "" {
				if err != nil || user != tt.user {
					t.Fatalf("%q, %v", user, err)
				}
				return
			}
			if fault.CodeOf(err) != fault.NotPermitted || !strings.HasPrefix(err.Error(), tt.want) || user != "" {
				t.Errorf("%q, %v; want %s", user, err, tt.want)
			}
		})
	}
}

// The password leaves no copy in the caller's memory.
func TestPasswordIsWiped(t *testing.T) {
	password := []byte(pamtest.Password)
	if _, err := pam.Check(pam.Request{Service: pamtest.Service, User: "admin", Password: password}); err != nil {
		t.Fatal(err)
	}
	if strings.Trim(string(password), "\x00") != "" {
		t.Errorf("%q is left", password)
	}
}

// A service without a file falls to "other", which denies.
func TestUnknownServiceDenies(t *testing.T) {
	_, err := pam.Check(pam.Request{Service: "no-such-service", User: "admin", Password: []byte(pamtest.Password)})
	if fault.CodeOf(err) != fault.NotPermitted {
		t.Error(err)
	}
}

// Ten wrong passwords and the right one is refused too, in the same words.
func TestGuessingRests(t *testing.T) {
	for i := range 10 {
		if _, err := check("eve", "guess"); fault.CodeOf(err) != fault.NotPermitted {
			t.Fatalf("guess %d: %v", i, err)
		}
	}
	_, err := check("eve", pamtest.Password)
	_, wrong := check("eve", "guess")
	if err == nil || wrong == nil || err.Error() != wrong.Error() {
		t.Errorf("the right password: %v; a wrong one: %v", err, wrong)
	}
	if _, err := check("operator", pamtest.Password); err != nil {
		t.Errorf("another account: %v", err)
	}
}

// An account that has rested is as before after a right password.
func TestRestEnds(t *testing.T) {
	try := func(password string) error {
		_, err := pam.Check(pam.Request{Service: pamtest.Hasty, User: "eve", Password: []byte(password)})
		return err
	}
	for range 12 {
		if try("guess") == nil {
			t.Fatal("a guess was right")
		}
	}
	for deadline := time.Now().Add(10 * time.Second); try(pamtest.Password) != nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the account rests for ever")
		}
	}
	for range 9 {
		if try("guess") == nil {
			t.Fatal("a guess was right")
		}
	}
	if err := try(pamtest.Password); err != nil {
		t.Error(err)
	}
}

// A right password sets the count of wrong ones back.
func TestSuccessForgives(t *testing.T) {
	for range 2 {
		for range 9 {
			if _, err := check("operator", "guess"); err == nil {
				t.Fatal("a guess was right")
			}
		}
		if _, err := check("operator", pamtest.Password); err != nil {
			t.Fatal(err)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := check("admin", pamtest.Password); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
