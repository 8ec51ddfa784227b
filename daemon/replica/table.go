package replica

import (
	"encoding/json"
	"iter"
	"maps"
	"slices"
)

// shards is into how many maps a Table is cut: what one change copies.
const shards = 64

// Table is an immutable map from addresses to values, for what there are many
// of: a change copies one shard. The zero Table is empty.
type Table[V any] struct {
	shard [shards]map[string]V
}

func shardOf(key string) uint32 {
	h := uint32(2166136261) // FNV-1a
	for i := range len(key) {
		h = (h ^ uint32(key[i])) * 16777619
	}
	return h % shards
}

// Get returns the value of a key, the zero value if there is none.
func (t *Table[V]) Get(key string) V { return t.shard[shardOf(key)][key] }

// Len returns how many keys there are.
func (t *Table[V]) Len() (n int) {
	for _, m := range t.shard {
		n += len(m)
	}
	return n
}

// All yields keys and values, ordered by key.
func (t *Table[V]) All() iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		all := t.merged()
		for _, k := range slices.Sorted(maps.Keys(all)) {
			if !yield(k, all[k]) {
				return
			}
		}
	}
}

// each yields keys and values in any order.
func (t *Table[V]) each(yield func(string, V) bool) {
	for _, m := range t.shard {
		for k, v := range m {
			if !yield(k, v) {
				return
			}
		}
	}
}

func (t *Table[V]) merged() map[string]V {
	all := make(map[string]V, t.Len())
	for _, m := range t.shard {
		maps.Copy(all, m)
	}
	return all
}

// set enters a value. t must be a copy of its own.
func (t *Table[V]) set(key string, v V) {
	i := shardOf(key)
	t.shard[i] = put(t.shard[i], key, v)
}

// remove takes a key out. t must be a copy of its own.
func (t *Table[V]) remove(key string) {
	i := shardOf(key)
	if _, ok := t.shard[i][key]; ok {
		t.shard[i] = drop(t.shard[i], key)
	}
}

// IsZero reports whether the table is empty; its JSON is left out then.
func (t Table[V]) IsZero() bool { return t.Len() == 0 }

// MarshalJSON encodes the table as one object, ordered by key.
func (t Table[V]) MarshalJSON() ([]byte, error) { return json.Marshal(t.merged()) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Table[V]) UnmarshalJSON(b []byte) error {
	var all map[string]V
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	*t = tableOf(all)
	return nil
}

// tableOf returns the table of a map.
func tableOf[V any](all map[string]V) (t Table[V]) {
	for k, v := range all {
		i := shardOf(k)
		if t.shard[i] == nil {
			t.shard[i] = map[string]V{}
		}
		t.shard[i][k] = v
	}
	return t
}
