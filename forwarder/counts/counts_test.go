package counts

import (
	"reflect"
	"testing"
)

// Each number of Sums is one of the shards' and the other way round.
func TestSumsAreWhole(t *testing.T) {
	var c Clients
	if sums := c.Sum(); sums != (Sums{}) {
		t.Errorf("before Start: %v", sums)
	}
	c.Start()
	for i := range numSums {
		c.Shard(uint32(i)).add(i)
		c.Shard(uint32(i) + 1).add(i)
	}
	sums := c.Sum()
	if n := int(reflect.TypeOf(sums).Size() / 8); n != numSums {
		t.Fatalf("Sums has %d numbers, want %d", n, numSums)
	}
	var count func(v reflect.Value)
	count = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				count(v.Field(i))
			}
		case reflect.Array:
			for i := range v.Len() {
				count(v.Index(i))
			}
		default:
			if v.Uint() != 2 {
				t.Errorf("a number is %d, want 2: from two shards", v.Uint())
			}
		}
	}
	count(reflect.ValueOf(sums))
}
