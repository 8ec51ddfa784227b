package bundle

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"quorate.org/daemon/logs"
)

// Masked stands where a secret was, as in the commands that list them.
const Masked = "********"

// keyLines bounds what is taken for the inside of a private key, so that one
// cut off in the journal does not hide all that follows. RSA with 16384 bits
// has about 200.
const keyLines = 300

const keyRemoved = "(private key removed)"

var (
	// named is a value given with a word that says it is secret: word=value,
	// word: value, and the same in JSON, whose quotes may be escaped.
	named = regexp.MustCompile(`(?i)([a-z_.-]*(?:password|passwd|passphrase|secret|token|cookie|authorization)(?:\\?["'])?\s*[=:]\s*)` +
		`(\\"(?:[^"\\]|\\[^"])*\\"|"(?:[^"\\]|\\.)*"|'[^']*'|(?:basic |bearer )?[^\s,;"'}\]]+)`)
	secretName = regexp.MustCompile(`(?i)password|passwd|passphrase|secret|token|cookie|authorization|private_key`)
	wholeKey   = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*-----END [A-Z ]*PRIVATE KEY-----`)
	keyBegin   = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----`)
	keyEnd     = regexp.MustCompile(`-----END [A-Z ]*PRIVATE KEY-----`)
)

// Redactor takes secrets out of text, line by line in their order. A new one is
// needed for each text, as a private key goes over many lines.
type Redactor struct {
	known  []string // longest first, so that none hides a part of another
	inside int      // lines of a private key that may still come
}

// NewRedactor returns a Redactor that knows these secrets by value. Values of
// fewer than four characters are no secret anyone would find in a text.
func NewRedactor(known []string) *Redactor {
	r := &Redactor{}
	for _, k := range known {
		if len(k) >= 4 && k != Masked {
			r.known = append(r.known, spellings(k)...)
		}
	}
	slices.SortFunc(r.known, func(a, b string) int { return len(b) - len(a) })
	return r
}

// spellings are a value as it is, and as Go and JSON quote it.
func spellings(value string) []string {
	all := []string{value}
	for _, quoted := range []string{strconv.Quote(value), strconv.QuoteToASCII(value), logs.Printable(value)} {
		all = append(all, strings.TrimSuffix(strings.TrimPrefix(quoted, `"`), `"`))
	}
	if data, err := json.Marshal(value); err == nil { // a string can not fail
		all = append(all, string(data[1:len(data)-1]))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Fresh returns a Redactor for another text.
func (r *Redactor) Fresh() *Redactor { return &Redactor{known: r.known} }

// Line returns a line without its secrets.
func (r *Redactor) Line(line string) string {
	for _, k := range r.known {
		line = strings.ReplaceAll(line, k, Masked)
	}
	line = r.key(wholeKey.ReplaceAllString(line, keyRemoved))
	return named.ReplaceAllString(line, "${1}"+Masked)
}

// key takes out what belongs to a private key that goes over several lines.
func (r *Redactor) key(line string) string {
	if r.inside > 0 {
		r.inside--
		end := keyEnd.FindStringIndex(line)
		if end == nil {
			return keyRemoved
		}
		r.inside = 0
		line = keyRemoved + line[end[1]:]
	}
	if begin := keyBegin.FindStringIndex(line); begin != nil {
		r.inside = keyLines
		line = line[:begin[0]] + keyRemoved
	}
	return line
}

// Text returns a text of several lines without its secrets.
func (r *Redactor) Text(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		body, end := strings.CutSuffix(line, "\n")
		b.WriteString(r.Line(body))
		if end {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// Entry returns an entry of the journal without its secrets, in the message and
// in every field.
func (r *Redactor) Entry(e logs.Entry) logs.Entry {
	e.Message = r.Text(e.Message)
	fields := make(map[string]string, len(e.Fields))
	for name, value := range e.Fields {
		// Fields have no order, so each is a text of its own.
		fields[name] = r.Fresh().Text(value)
		if secretName.MatchString(name) {
			fields[name] = Masked
		}
	}
	e.Fields = fields
	return e
}
