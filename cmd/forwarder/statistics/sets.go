package statistics

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder"
)

// setsShare is how much of a processor counting what is cached by type may take: with
// a million names it lasts a second, and agents ask every few.
const setsShare = 100

// setCounts is what is cached by type, as it was counted last.
type setCounts struct {
	mu   sync.Mutex
	sets counters
	next time.Time // when it may be counted again
}

// sets counts what is cached by type, unless that was done a moment ago.
func (h *Handler) sets() counters {
	c := &h.cached
	c.mu.Lock()
	defer c.mu.Unlock()
	begun := time.Now()
	if begun.Before(c.next) {
		return c.sets
	}
	byName, _ := CountSets(context.Background(), h.o.Server, bindName)
	c.sets = make(counters, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		c.sets = append(c.sets, counter{name, byName[name]})
	}
	c.next = time.Now().Add(setsShare * time.Since(begun))
	return c.sets
}

// bindName is a type as statistics name it.
func bindName(t uint16) string { return typeName(int(t)) }

// CountSets counts what is cached by type, which name names: ! is before what there is
// not of it, and # before what is stale, as in BIND. The error is that of ctx.
func CountSets(ctx context.Context, s *forwarder.Server, name func(uint16) string) (map[string]uint64, error) {
	n := make(map[string]uint64)
	for c := range s.Cached() {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if c.Beside || c.TTL <= 0 && c.Stale <= 0 {
			continue
		}
		n[setName(&c, name)]++
	}
	return n, nil
}

func setName(c *forwarder.CachedAnswer, name func(uint16) string) string {
	set := ""
	switch {
	case c.Rcode == dns.RcodeNameError:
		set = "NXDOMAIN"
	case c.Empty:
		set = "!" + name(c.Type)
	default:
		set = name(c.Type)
	}
	if c.TTL <= 0 {
		set = "#" + set
	}
	return set
}
