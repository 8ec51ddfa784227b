package resolve

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func servers(list ...Server) []Server { return list }

func at(target string, priority, weight int) Server {
	return Server{Target: target, Port: 5223, Priority: priority, Weight: weight}
}

// RFC 2782: the lowest priority first; among equals the running sum of weights
// is compared with a lot from 0 to the sum, weights of 0 at the beginning.
func TestOrder(t *testing.T) {
	for _, tc := range []struct {
		name  string
		given []Server
		lots  []int
		want  []string
	}{
		{"priority", servers(at("c", 20, 0), at("a", 0, 0), at("b", 10, 9)), []int{0, 9, 0}, []string{"a", "b", "c"}},
		{"lot at the lower bound takes weight 0", servers(at("a", 0, 10), at("z", 0, 0)), []int{0, 0}, []string{"z", "a"}},
		{"lot above it passes weight 0", servers(at("a", 0, 10), at("z", 0, 0)), []int{1, 0}, []string{"a", "z"}},
		{"lot on a running sum", servers(at("a", 0, 3), at("b", 0, 7)), []int{3, 7}, []string{"a", "b"}},
		{"lot past a running sum", servers(at("a", 0, 3), at("b", 0, 7)), []int{4, 0}, []string{"b", "a"}},
		{"all weights 0", servers(at("a", 0, 0), at("b", 0, 0)), []int{0, 0}, []string{"a", "b"}},
		{"none", nil, nil, nil},
	} {
		lots := tc.lots
		draw := func(n int) int {
			lot := lots[0]
			if lots = lots[1:]; lot >= n {
				t.Fatalf("%s: a lot below %d was asked, %d is prepared", tc.name, n, lot)
			}
			return lot
		}
		var got []string
		for _, s := range Order(tc.given, draw) {
			got = append(got, s.Target)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

// Among servers of one priority each is first as often as its weight says.
func TestOrderByWeight(t *testing.T) {
	const rounds = 20_000
	source := rand.New(rand.NewPCG(1, 2))
	given := servers(at("a", 0, 60), at("b", 0, 30), at("c", 0, 10), at("d", 1, 60000))
	first := map[string]int{}
	for range rounds {
		order := Order(given, source.IntN)
		if order[3].Target != "d" {
			t.Fatalf("the lower priority comes at %v", order)
		}
		first[order[0].Target]++
	}
	for target, share := range map[string]float64{"a": 0.6, "b": 0.3, "c": 0.1} {
		if got := float64(first[target]) / rounds; got < share-0.02 || got > share+0.02 {
			t.Errorf("%s is first in %.3f of the rounds, want %.2f", target, got, share)
		}
	}
}
