package xmlwire

import (
	"testing"
)

// TestNotWellFormed has what XML 1.0 and Namespaces in XML 1.0 forbid in an
// element (RFC 6120 §11.3).
func TestNotWellFormed(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"end tag of another name", "<a></b>", NotWellFormed},
		{"end tag that goes on", "<a></ab>", NotWellFormed},
		{"end tag too short", "<ab></a>", NotWellFormed},
		{"end tag with attribute", "<a></a b='c'>", NotWellFormed},
		{"end tag with leading space", "<a></ a>", NotWellFormed},
		{"space in front of the name", "< a/>", NotWellFormed},
		{"no name", "<>", NotWellFormed},
		{"name begins with a digit", "<1a/>", NotWellFormed},
		{"name begins with a combining character", "<\u0301a/>", NotWellFormed},
		{"name with a symbol", "<a\u00d7/>", NotWellFormed},
		{"name of prefix only", "<stream:/>", NotWellFormed},
		{"name without prefix", "<:a/>", NotWellFormed},
		{"two colons", "<stream:a:b/>", NotWellFormed},
		{"local name begins with a digit", "<stream:1/>", NotWellFormed},
		{"prefix xmlns", "<xmlns:a/>", NotWellFormed},
		{"undeclared prefix", "<q:a/>", NotWellFormed},
		{"undeclared attribute prefix", "<a q:b='c'/>", NotWellFormed},
		{"prefix out of scope", "<a><b xmlns:q='q'/><q:c/></a>", NotWellFormed},
		{"prefix undeclared again", "<a xmlns:q=''/>", NotWellFormed},
		{"prefix xmlns declared", "<a xmlns:xmlns='q'/>", NotWellFormed},
		{"prefix xml redefined", "<a xmlns:xml='q'/>", NotWellFormed},
		{"xml namespace by another prefix", "<a xmlns:q='" + NSXML + "'/>", NotWellFormed},
		{"xml namespace as default", "<a xmlns='" + NSXML + "'/>", NotWellFormed},
		{"xmlns namespace as default", "<a xmlns='" + NSXMLNS + "'/>", NotWellFormed},
		{"attribute twice", "<a b='1' b='2'/>", NotWellFormed},
		{"declaration twice", "<a xmlns='1' xmlns='2'/>", NotWellFormed},
		{"prefix declared twice", "<a xmlns:q='1' xmlns:q='2'/>", NotWellFormed},
		{"attribute twice by expanded name", "<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>", NotWellFormed},
		{"attribute twice by decoded name", "<a xmlns:p='u&amp;' xmlns:q='u&#38;' p:b='' q:b=''/>", NotWellFormed},
		{"attribute without value", "<a b/>", NotWellFormed},
		{"attribute without quotes", "<a b=c/>", NotWellFormed},
		{"attribute without =", "<a b'c'/>", NotWellFormed},
		{"attribute without space", "<a b='c'd='e'/>", NotWellFormed},
		{"attribute without name", "<a ='c'/>", NotWellFormed},
		{"space in an empty-element tag's end", "<a / >", NotWellFormed},
		{"< in a value", "<a b='<'/>", NotWellFormed},
		{"& alone", "<a>& </a>", NotWellFormed},
		{"& alone in a value", "<a b='&'/>", NotWellFormed},
		{"reference of nothing", "<a>&;</a>", NotWellFormed},
		{"reference to nothing", "<a>&#;</a>", NotWellFormed},
		{"reference to NUL", "<a>&#0;</a>", NotWellFormed},
		{"reference to a surrogate", "<a>&#xD800;</a>", NotWellFormed},
		{"reference to a control", "<a b='&#x1;'/>", NotWellFormed},
		{"reference to U+FFFE", "<a>&#xFFFE;</a>", NotWellFormed},
		{"reference past Unicode", "<a>&#x110000;</a>", NotWellFormed},
		{"reference past all numbers", "<a>&#99999999999;</a>", NotWellFormed},
		{"reference in capital X", "<a>&#X41;</a>", NotWellFormed},
		{"reference with letters", "<a>&#4A;</a>", NotWellFormed},
		{"reference without end", "<a>&#00000000000000000000000065;</a>", NotWellFormed},
		{"]]> in text", "<a>]]></a>", NotWellFormed},
		{"]]> in long text", "<a>0123456789]]]></a>", NotWellFormed},
		{"]]> split by an element", "<a>]]<b/>></a>", ""},
		{"control in text", "<a>\x01</a>", NotWellFormed},
		{"control in a value", "<a b='\x7f\x1f'/>", NotWellFormed},
		{"control in CDATA", "<a><![CDATA[\x00]]></a>", NotWellFormed},
		{"U+FFFF in text", "<a>\uFFFF</a>", NotWellFormed},
		{"U+FFFE in a value", "<a b='\uFFFE'/>", NotWellFormed},
		{"<! of something else", "<a><!x></a>", NotWellFormed},
		{"CDATA misspelt", "<a><![cdata[]]></a>", NotWellFormed},
		{"RFC 6120 §11.6 UTF-8 cut short", "<a>\xc3</a>", UnsupportedEncoding},
		{"§11.6 UTF-8 too long a form", "<a>\xc0\x80</a>", UnsupportedEncoding},
		{"§11.6 surrogate in UTF-8", "<a>\xed\xa0\x80</a>", UnsupportedEncoding},
		{"§11.6 Latin-1 in a value", "<a b='\xe9'/>", UnsupportedEncoding},
		{"§11.6 Latin-1 in a name", "<\xe9/>", UnsupportedEncoding},
		{"§11.6 Latin-1 in CDATA", "<a><![CDATA[\xe9]]></a>", UnsupportedEncoding},
		{"fifth edition names", "<\u00e9l\u00e8ve a\u00b7b='1' \U00010400='2'/>", ""},
		{"same local name in two namespaces", "<a xmlns:p='u' xmlns:q='v' p:b='' q:b='' b=''/>", ""},
		{"default namespace taken away", "<a xmlns=''><b/></a>", ""},
		{"xml declared as itself", "<a xmlns:xml='" + NSXML + "' xml:space='preserve'/>", ""},
		{"space wherever it may be", "<a\tb\n=\r'c'  ></a\n>", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := []byte(clientHeader + tc.in)
			got, used, err := play(t, in, DefaultLimits, whole)
			want := "open !" + tc.want
			if tc.want == "" {
				want = "open " + tc.in
			}
			if tr := trace(got, err); tr != want {
				t.Errorf("got %s\nwant %s", tr, want)
			}
			compareSplit(t, in, DefaultLimits, got, used, err, 2)
			compareOracle(t, in, got, used, err)
		})
	}
}
