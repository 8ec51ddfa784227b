package password

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"quorate.org/daemon/fault"
)

// The length of a password: characters at least, bytes at most.
const (
	least = 8
	most  = 512 // as crypt(3) takes
)

// Check refuses a password that should not be one. It is asked before the second
// typing, and again by who sets it.
func Check(p string) error {
	refuse := func(why, remedy string) error { return fault.Mend(fault.InvalidArgument, why, remedy) }
	switch {
	case !utf8.ValidString(p) || strings.ContainsFunc(p, unicode.IsControl):
		return refuse("the password has a character that can not be typed everywhere", "use letters, digits, blanks and signs")
	case utf8.RuneCountInString(p) < least:
		return refuse(fmt.Sprintf("the password is too short: %d characters", utf8.RuneCountInString(p)), fmt.Sprintf("use at least %d", least))
	case len(p) > most:
		return refuse("the password is too long", fmt.Sprintf("use at most %d characters", most))
	case same(p):
		return refuse("the password is one character again and again", "use a phrase of several words")
	case strings.EqualFold(p, "password") || strings.EqualFold(p, "administrator"):
		return refuse("the password is the first that anybody would try", "use a phrase of several words")
	}
	return nil
}

func same(p string) bool {
	first, _ := utf8.DecodeRuneInString(p)
	return strings.Trim(p, string(first)) == ""
}

// hash is what crypt(5) calls the modern methods: yescrypt, gost-yescrypt,
// bcrypt, SHA-512 and SHA-256, with salt and digest.
var hash = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\$(y|gy|2[aby]|6|5)\$[./A-Za-z0-9=,$]{1,200}$`) })

// lengths of the digests whose method fixes it.
var lengths = map[string]int{"6": 86, "5": 43}

// CheckHash refuses what is not a password's hash, most of all the password
// itself. Errors do not repeat it.
func CheckHash(h string) error {
	m := hash().FindStringSubmatch(h)
	if m == nil {
		return errors.New("it is no hash of a password")
	}
	digest := h[strings.LastIndexByte(h, '$')+1:]
	if n, fixed := lengths[m[1]]; digest == "" || fixed && len(digest) != n || strings.Count(h, "$") < 3 {
		return errors.New("the hash is cut off or garbled")
	}
	return nil
}

// Missing says whether the account has no password in a shadow(5) file: none can
// match its field. An account that is not there has none either, and an empty
// field is no password that anybody set.
func Missing(shadow, account string) bool {
	for line := range strings.Lines(shadow) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if fields[0] == account && len(fields) > 1 {
			return fields[1] == "" || strings.HasPrefix(fields[1], "!") || strings.HasPrefix(fields[1], "*")
		}
	}
	return true
}
