package xmlwire

import (
	"bytes"
	"encoding/xml"
	"io"
	"testing"
)

// chat349 is the chat message of the budget in architecture.md: 349 bytes.
const chat349 = `<message to='juliet@capulet.example/balcony' from='romeo@montague.example/orchard' type='chat' id='ktx72v49' xml:lang='en'><body>Art thou not Romeo, and a Montague? Neither, fair saint, if either thee disli.</body><active xmlns='http://jabber.org/protocol/chatstates'/><origin-id xmlns='urn:xmpp:sid:0' id='de305d54-75b4-431b-adb2-eb6b9e5'/></message>`

// BenchmarkScan is to be compared with BenchmarkEncodingXML of the same run: at
// least ten times as fast, without allocations.
func BenchmarkScan(b *testing.B) {
	s := opened(b)
	in := []byte(chat349)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if ev, _, err := s.Next(in); err != nil || ev.Kind != Stanza {
			b.Fatal(ev.Kind, err)
		}
	}
}

// BenchmarkEncodingXML reads the tokens of the same message as part of a stream.
func BenchmarkEncodingXML(b *testing.B) {
	in := []byte(chat349)
	r := &repeat{data: in}
	d := xml.NewDecoder(io.MultiReader(bytes.NewReader([]byte(clientHeader)), r))
	if _, err := d.Token(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		for depth := 0; ; {
			tok, err := d.Token()
			if err != nil {
				b.Fatal(err)
			}
			switch tok.(type) {
			case xml.StartElement:
				depth++
			case xml.EndElement:
				depth--
			}
			if depth == 0 {
				break
			}
		}
	}
}

// repeat reads data over and over.
type repeat struct {
	data []byte
	at   int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := copy(p, r.data[r.at:])
	r.at = (r.at + n) % len(r.data)
	return n, nil
}

// BenchmarkScanLong has the proportions of a vCard or a file in band: little
// markup, much text.
func BenchmarkScanLong(b *testing.B) {
	s := opened(b)
	in := []byte("<iq type='set' id='1'><data xmlns='urn:x'>" + string(bytes.Repeat([]byte("QUJDREVGR0hJSktM"), 4096)) + "</data></iq>")
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if ev, _, err := s.Next(in); err != nil || ev.Kind != Stanza {
			b.Fatal(ev.Kind, err)
		}
	}
}
