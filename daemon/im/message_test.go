package im

import "testing"

// TestM5_2_MessageRules is table 1 of RFC 6121 §8.5.4, row by row, in the
// choices that FateOf makes, and the rules on errors of §8.5.
func TestM5_2_MessageRules(t *testing.T) {
	for _, row := range []struct {
		condition string
		place     Place
		want      [5]Fate // normal, chat, groupchat, headline, error
	}{
		{"no account, bare", Place{}, [5]Fate{Bounce, Bounce, Bounce, Ignore, Ignore}},
		{"no account, full", Place{Full: true}, [5]Fate{Bounce, Bounce, Bounce, Bounce, Ignore}},
		{"no resource, bare", Place{Account: true}, [5]Fate{Keep, Keep, Bounce, Ignore, Ignore}},
		{"no resource, full", Place{Account: true, Full: true}, [5]Fate{Bounce, Keep, Bounce, Bounce, Ignore}},
		{"negative only, bare", Place{Account: true}, [5]Fate{Keep, Keep, Bounce, Ignore, Ignore}},
		{"negative only, full match", Place{Account: true, Full: true, Match: true}, [5]Fate{Direct, Direct, Direct, Direct, Direct}},
		{"negative only, full no match", Place{Account: true, Full: true}, [5]Fate{Bounce, Keep, Bounce, Bounce, Ignore}},
		{"non-negative, bare", Place{Account: true, Positive: true}, [5]Fate{Most, Most, Bounce, Every, Ignore}},
		{"non-negative, full match", Place{Account: true, Full: true, Match: true, Positive: true}, [5]Fate{Direct, Direct, Direct, Direct, Direct}},
		{"non-negative, full no match", Place{Account: true, Full: true, Positive: true}, [5]Fate{Bounce, Most, Bounce, Bounce, Ignore}},
	} {
		for k, want := range row.want {
			if got := FateOf(Kind(k), row.place); got != want {
				t.Errorf("%s, kind %d: %d, want %d", row.condition, k, got, want)
			}
		}
	}
}
