package consensus

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
	"pgregory.net/rapid"
)

func tempStore(t testing.TB) *store {
	t.Helper()
	s, err := openStore(filepath.Join(t.TempDir(), storeFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStoreKeepsEveryFieldOverARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), storeFile)
	s, err := openStore(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []raft.Log{
		{Index: 1, Term: 1, Type: raft.LogConfiguration, Data: []byte("configuration")},
		{Index: 2, Term: 3, Type: raft.LogNoop, AppendedAt: time.Unix(1_800_000_000, 5)},
		{Index: 3, Term: 3, Type: raft.LogCommand, Data: []byte("data"), Extensions: []byte("more"), AppendedAt: time.Unix(-1, 0)},
	}
	for i := range want {
		if err := s.StoreLog(&want[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SetUint64([]byte("CurrentTerm"), 3); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if s, err = openStore(path); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, w := range want {
		var got raft.Log
		if err := s.GetLog(w.Index, &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(w, got); d != "" {
			t.Errorf("entry %d: %s", w.Index, d)
		}
	}
	if term, err := s.GetUint64([]byte("CurrentTerm")); term != 3 || err != nil {
		t.Errorf("term = %d, %v", term, err)
	}
}

func TestStoreMissing(t *testing.T) {
	s := tempStore(t)
	if err := s.GetLog(7, &raft.Log{}); err != raft.ErrLogNotFound {
		t.Errorf("GetLog = %v, want exactly raft.ErrLogNotFound, which raft compares", err)
	}
	if _, err := s.Get([]byte("k")); err == nil || err.Error() != "not found" {
		t.Errorf("Get = %v, want the text raft compares", err)
	}
	if _, err := s.GetUint64([]byte("k")); err == nil || err.Error() != "not found" {
		t.Errorf("GetUint64 = %v, want the text raft compares", err)
	}
	if err := s.Set([]byte("k"), []byte("short")); err != nil {
		t.Fatal(err)
	}
	if v, err := s.Get([]byte("k")); string(v) != "short" || err != nil {
		t.Errorf("Get = %q, %v", v, err)
	}
	if _, err := s.GetUint64([]byte("k")); err == nil {
		t.Error("a value that is no number was read as one")
	}
}

// The store against a map, over the calls raft makes: appends with and without
// gaps, overwrites, truncation at both ends and in the middle.
func TestStoreModel(t *testing.T) {
	s := tempStore(t)
	s.db.NoSync = true // thousands of transactions, and no crash to survive
	rapid.Check(t, func(t *rapid.T) {
		if err := s.DeleteRange(0, 1<<62); err != nil {
			t.Fatal(err)
		}
		model := map[uint64]raft.Log{}
		index := rapid.Uint64Range(0, 40)
		t.Repeat(map[string]func(*rapid.T){
			"store": func(t *rapid.T) {
				from := index.Draw(t, "from")
				var logs []*raft.Log
				for i := range rapid.Uint64Range(1, 8).Draw(t, "count") {
					l := raft.Log{Index: from + i + 1, Term: rapid.Uint64().Draw(t, "term"), Data: []byte{byte(i)}}
					logs, model[l.Index] = append(logs, &l), l
				}
				if err := s.StoreLogs(logs); err != nil {
					t.Fatal(err)
				}
			},
			"delete": func(t *rapid.T) {
				lo, hi := index.Draw(t, "min"), index.Draw(t, "max")
				if err := s.DeleteRange(lo, hi); err != nil {
					t.Fatal(err)
				}
				for i := lo; i <= hi; i++ {
					delete(model, i)
				}
			},
			"": func(t *rapid.T) { checkStore(t, s, model) },
		})
	})
}

func checkStore(t *rapid.T, s *store, model map[uint64]raft.Log) {
	var first, last uint64
	for i := range model {
		if first == 0 || i < first {
			first = i
		}
		last = max(last, i)
	}
	gotFirst, err1 := s.FirstIndex()
	gotLast, err2 := s.LastIndex()
	if gotFirst != first || gotLast != last || err1 != nil || err2 != nil {
		t.Fatalf("first, last = %d %v, %d %v; want %d, %d", gotFirst, err1, gotLast, err2, first, last)
	}
	for i := first; i <= last; i++ {
		var got raft.Log
		err := s.GetLog(i, &got)
		want, ok := model[i]
		if ok != (err == nil) || !ok && err != raft.ErrLogNotFound {
			t.Fatalf("entry %d: %v, want it there: %v", i, err, ok)
		}
		if d := cmp.Diff(want, got); ok && d != "" {
			t.Fatalf("entry %d: %s", i, d)
		}
	}
}

// What decodes encodes to an entry that decodes to the same.
func FuzzDecodeLog(f *testing.F) {
	f.Add(encodeLog(&raft.Log{Term: 1, Data: []byte("data"), Extensions: []byte("x"), AppendedAt: time.Unix(1, 2)}))
	f.Add([]byte{0, 1, 2, 200, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		var first, second raft.Log
		if decodeLog(b, &first) != nil {
			return
		}
		if err := decodeLog(encodeLog(&first), &second); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(first, second); d != "" {
			t.Fatal(d)
		}
	})
}
