package logs

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Entry is one entry of the journal.
type Entry struct {
	Time       time.Time         `json:"time"`       // when the journal received it, UTC
	Host       string            `json:"host"`       // _HOSTNAME
	Unit       string            `json:"unit"`       // _SYSTEMD_UNIT; "" outside systemd
	Identifier string            `json:"identifier"` // SYSLOG_IDENTIFIER, or the name of the program
	PID        string            `json:"pid"`        // decimal, or ""
	Priority   int               `json:"priority"`   // 0 emergency to 7 debug; 6 when the sender gave none
	Message    string            `json:"message"`
	MessageID  string            `json:"message_id"` // of the catalog, or ""
	Fields     map[string]string `json:"fields"`     // every other field that is text
	Cursor     string            `json:"cursor"`     // its place, for Query.After
}

// levels are the severities of RFC 5424 §6.2.1 in words.
var levels = []string{"EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG"}

// Level returns a priority in words, such as WARNING for 4.
func Level(priority int) string {
	if priority < 0 || priority >= len(levels) {
		return strconv.Itoa(priority)
	}
	return levels[priority]
}

// Line returns the entry as one line without its end: time, host, identifier,
// process, level and message, in the order of RFC 5424. Control characters are
// escaped, so that no sender can forge a line or steer a terminal.
func (e Entry) Line() string {
	who := e.Identifier
	if e.PID != "" {
		who += "[" + e.PID + "]"
	}
	return fmt.Sprintf("%s %s %s %s %s", e.Time.Format("2006-01-02T15:04:05.000Z"), Printable(e.Host), Printable(who), Level(e.Priority), Printable(e.Text()))
}

// details are the fields that a message of our services may leave to the journal:
// of "a peer was refused" they say which and why.
var details = []string{"NAME", "ADDRESS", "HOST", "NODE_ID", "CALLBRIDGE", "JID", "REASON", "ERROR"}

// Text returns the message and the details that it does not tell already.
func (e Entry) Text() string {
	text := e.Message
	for _, name := range details {
		value := e.Fields[name]
		if value == "" || strings.Contains(e.Message, value) {
			continue
		}
		if strings.ContainsAny(value, " \"=") {
			value = strconv.Quote(value)
		}
		text += " " + strings.ToLower(name) + "=" + value
	}
	return text
}

// Printable returns text with what is no printable character escaped as in Go.
func Printable(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsPrint(r) }) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// tooLong stands where journalctl leaves out a field of more than 4 KiB.
const tooLong = "(a message of more than 4 KiB)"

// parse understands one line of journalctl --output=json (the Journal JSON
// Format of systemd).
func parse(line []byte) (Entry, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(line, &raw); err != nil {
		return Entry{}, fmt.Errorf("understanding an entry of the journal: %w", err)
	}
	fields := make(map[string]string, len(raw))
	for name, value := range raw {
		if text, ok := textOf(value); ok {
			fields[name] = text
		}
	}
	return entryOf(fields), nil
}

func entryOf(fields map[string]string) Entry {
	take := func(name string) string {
		v := fields[name]
		delete(fields, name)
		return v
	}
	e := Entry{
		Time: microseconds(take("__REALTIME_TIMESTAMP")), Host: take("_HOSTNAME"), Unit: take("_SYSTEMD_UNIT"),
		Identifier: take("SYSLOG_IDENTIFIER"), PID: take("_PID"), Priority: 6,
		MessageID: take("MESSAGE_ID"), Cursor: take("__CURSOR"), Message: tooLong,
	}
	if e.Identifier == "" {
		e.Identifier = fields["_COMM"]
	}
	if p, err := strconv.Atoi(take("PRIORITY")); err == nil && p >= 0 && p <= 7 {
		e.Priority = p
	}
	if m, ok := fields["MESSAGE"]; ok {
		e.Message = m
		delete(fields, "MESSAGE")
	}
	for name := range fields {
		if strings.HasPrefix(name, "__") {
			delete(fields, name)
		}
	}
	e.Fields = fields
	return e
}

func microseconds(text string) time.Time {
	micro, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}

// textOf returns the text of a field: a string; an array of bytes when it is
// not UTF-8 or has control characters; an array of those when the field was
// given several times, of which the first counts; null when it is too long.
func textOf(raw json.RawMessage) (string, bool) {
	if text, ok := oneText(raw); ok {
		return text, true
	}
	var several []json.RawMessage
	if json.Unmarshal(raw, &several) != nil || len(several) == 0 {
		return "", false
	}
	return oneText(several[0])
}

func oneText(raw json.RawMessage) (string, bool) {
	var text *string
	if json.Unmarshal(raw, &text) == nil && text != nil {
		return *text, true
	}
	var octets []byte
	if json.Unmarshal(raw, &octets) == nil && len(octets) > 0 {
		return strings.ToValidUTF8(string(octets), "\uFFFD"), true
	}
	return "", false
}
