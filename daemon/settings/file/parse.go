package file

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/viper"

	"quorate.org/daemon/settings"
)

// separator joins the parts of a key inside viper. Its default is the dot, which
// would split a quoted key like "meet.example" in two without a word.
const separator = "\x1f"

// document is one parsed file.
type document struct {
	name     string
	raw      settings.Raw
	lines    map[string]int // by key, entries of lists as xmpp.callbridge[0].name
	problems []string
}

// parse reads one file: viper for the values, the syntax tree for the lines.
func parse(name string, text []byte) *document {
	d := &document{name: name, raw: make(settings.Raw), lines: make(map[string]int)}
	v := viper.NewWithOptions(viper.KeyDelimiter(separator))
	v.SetConfigType("toml")
	if err := v.ReadConfig(bytes.NewReader(text)); err != nil {
		d.syntax(err, text)
		return d
	}
	t := walk(text)
	d.lines = t.lines
	for _, key := range t.known {
		d.take(key, v.Get(strings.Replace(key, ".", separator, 1)))
	}
	for _, u := range t.unknown {
		d.problems = append(d.problems, fmt.Sprintf("%s:%d: %s: %s", d.name, u.line, u.key, u.reason))
	}
	sort.SliceStable(d.problems, func(i, j int) bool { return lineOf(d.problems[i]) < lineOf(d.problems[j]) })
	return d
}

// take checks one value against the schema.
func (d *document) take(key string, value any) {
	out, p := settings.Convert(key, value)
	if p != nil {
		d.problems = append(d.problems, fmt.Sprintf("%s:%d: %v", d.name, d.line(p.Key), p))
		return
	}
	d.raw[key] = out
}

// line returns the line of a key, or of the nearest thing around it.
func (d *document) line(key string) int {
	for key != "" {
		if n, ok := d.lines[key]; ok {
			return n
		}
		key = key[:max(0, strings.LastIndexAny(key, ".["))]
	}
	return 1
}

// syntax reports what is no TOML.
func (d *document) syntax(err error, text []byte) {
	line, reason := 1, strings.TrimPrefix(err.Error(), "While parsing config: ")
	var e *toml.DecodeError
	if errors.As(err, &e) {
		line, _ = e.Position()
		reason = e.Error()
	} else if n := walk(text).repeat; n > 0 { // the decoder finds it, but not where
		line = n
	}
	d.problems = append(d.problems, fmt.Sprintf("%s:%d: syntax: %s", d.name, line, strings.TrimPrefix(reason, "toml: ")))
}

// lineOf reads the line number back from a problem, to sort by it.
func lineOf(problem string) (line int) {
	_, rest, _ := strings.Cut(problem, ":")
	fmt.Sscanf(rest, "%d", &line)
	return line
}
