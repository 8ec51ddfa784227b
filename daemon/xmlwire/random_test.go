package xmlwire

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// writer makes random stanzas that are mostly well-formed and often wrong in one
// place: fuzzing from seeds seldom reaches namespaces several levels deep.
type writer struct {
	*rand.Rand
	strings.Builder
}

func (w *writer) pick(of ...string) string { return of[w.IntN(len(of))] }

func (w *writer) space() {
	w.WriteString(w.pick(" ", " ", " ", "\n", "\t ", "\r\n"))
}

func (w *writer) maybeSpace() {
	if w.IntN(8) == 0 {
		w.space()
	}
}

func (w *writer) attr() {
	name := w.pick("a", "b", "p:a", "q:a", "q:b", "xml:lang", "xmlns", "xmlns", "xmlns:p", "xmlns:q", "from", "to", "id", "\u00e9")
	value := w.pick("u", "v", "jabber:client", "jabber:component:accept", "u&amp;", "u&#38;", "&#x9;", " x\n", ">", "", "\U0001F600")
	if strings.HasPrefix(name, "xmlns:") && w.IntN(20) > 0 {
		value = w.pick("u", "v", "u&amp;", "u&#38;")
	}
	q := w.pick("'", `"`)
	w.space()
	w.WriteString(name)
	w.maybeSpace()
	w.WriteString("=")
	w.maybeSpace()
	w.WriteString(q + value + q)
}

func (w *writer) element(depth int, prefixes bool) {
	name := w.pick("a", "a", "body", "message")
	attrs := w.IntN(4)
	w.WriteString("<")
	var tag string
	if prefixes && w.IntN(3) == 0 {
		tag = w.pick("p:", "q:") + name
	} else {
		tag = name
	}
	w.WriteString(tag)
	if w.IntN(3) == 0 {
		w.WriteString(" xmlns:p='u' xmlns:q='" + w.pick("u", "v", "w&amp;") + "'")
		prefixes = true
	}
	for range attrs {
		w.attr()
	}
	w.maybeSpace()
	if w.IntN(3) == 0 {
		w.WriteString("/>")
		return
	}
	w.WriteString(">")
	for range w.IntN(4) {
		if depth < 5 && w.IntN(2) == 0 {
			w.element(depth+1, prefixes)
		} else {
			w.WriteString(w.pick("text", "&lt;", "\r\n", "]]", ">", "<![CDATA[<a>]]>", "<![CDATA[]]]]>", "\u00e9"))
		}
	}
	w.WriteString("</" + tag)
	w.maybeSpace()
	w.WriteString(">")
}

// spoil breaks s in one place, or does not.
func (w *writer) spoil(s string) string {
	if w.IntN(3) > 0 {
		return s
	}
	i := w.IntN(len(s))
	j := min(len(s), i+w.IntN(3))
	return s[:i] + w.pick("", "", "<", ">", "/", "'", `"`, "&", ":", "=", " ", "]]>", "\x00", "\xff", "<!--", "<?x?>", "xmlns") + s[j:]
}

func TestRandomStanzas(t *testing.T) {
	rounds := uint64(1500)
	accepted := 0
	for seed := range rounds {
		w := &writer{Rand: rand.New(rand.NewPCG(seed, 7))}
		w.element(0, false)
		body := w.spoil(w.String())
		head := heads[w.IntN(len(heads))]
		in := []byte(head + body)
		got, used, err := play(t, in, DefaultLimits, whole)
		compareSplit(t, in, DefaultLimits, got, used, err, seed)
		compareOracle(t, in, got, used, err)
		if len(got) > 1 {
			accepted++
		}
		checkStamped(t, head, body, "a@example.com/r", w.pick("", "b@example.com"), w.pick("", "en"))
	}
	// Both ways must be walked for the comparison to mean anything.
	if share := accepted * 100 / int(rounds); share < 20 || share > 90 {
		t.Errorf("%d%% of the stanzas are accepted", share)
	}
}
