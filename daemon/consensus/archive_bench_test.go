package consensus

import (
	"fmt"
	"path/filepath"
	"testing"

	"quorate.org/daemon/archive"
)

// fullArchive has as many messages of an account as the default bounds let it, with
// a hundred others in turn.
func fullArchive(b *testing.B, owner string) *archives {
	a, err := openArchives(filepath.Join(b.TempDir(), archiveFile))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = a.close() })
	const all, batch = 10_000, 1000
	for i := 0; i < all; i += batch {
		var list []archive.Write
		for n := i; n < i+batch; n++ {
			list = append(list, archive.Write{Owner: owner, Bounds: archive.Bounds{Keep: all}, Entry: archive.Entry{
				Clock: uint64(n + 1), ID: archive.Name("l", uint64(n), [16]byte{}, 1), Time: int64(n),
				With: fmt.Sprintf("friend%d@meet.example/desk", n%100),
				Raw:  fmt.Appendf(nil, "<message type='chat' id='%d'><body>%0200d</body></message>", n, n),
			}})
		}
		a.apply(list)
	}
	return a
}

// What one page of a full archive costs the leader, who reads it between stanzas.
func BenchmarkArchivePage(b *testing.B) {
	a, end := fullArchive(b, alice), ""
	for name, q := range map[string]archive.Query{
		"last":   {Max: 100, Before: &end},
		"with":   {Max: 100, Before: &end, With: "friend7@meet.example"},
		"middle": {Max: 100, After: archive.Name("l", 5000, [16]byte{}, 1)},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if p, ok := archive.Pick(a.scan(alice), 0, q); !ok || len(p.Entries) != 100 {
					b.Fatal(len(p.Entries), ok)
				}
			}
		})
	}
}
