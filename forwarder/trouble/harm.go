package trouble

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"
	"time"
)

// Harm is what became of queries. The zero value is nothing.
type Harm struct {
	Queries uint64 // that were answered
	Failed  uint64 // of them, with SERVFAIL, or not at all
	Clients Sketch // whose queries failed

	zones []string // whose queries failed
}

// maxZones bounds the zones whose names are kept.
const maxZones = 16

// add adds what happened in a zone.
func (h *Harm) add(zone string, o *Harm) {
	h.Queries += o.Queries
	h.Failed += o.Failed
	h.Clients.add(&o.Clients)
	if o.Failed > 0 && len(h.zones) < maxZones && !slices.Contains(h.zones, zone) {
		h.zones = append(h.zones, zone)
	}
}

// String says how many queries failed, for lines: "57 of 76 queries of 3 clients
// failed". The number of clients is left out where none is known.
func (h *Harm) String() string {
	if h.Failed == 0 {
		return "no query failed"
	}
	text := fmt.Sprintf("%d of %d queries", h.Failed, max(h.Queries, h.Failed))
	if n := h.Clients.Len(); n > 0 {
		text += " of " + plural(n, "client")
	}
	return text + " failed"
}

// Sketch is a set of clients, of which only the number is known: within a few per
// cent up to ten thousand. The zero value is empty. (Linear counting.)
type Sketch [sketchWords]uint64

const (
	sketchWords = 64
	sketchBits  = sketchWords * 64
)

// Note adds a client by a hash of it.
func (s *Sketch) Note(hash uint64) {
	hash ^= hash >> 33 // as who made it may not have mixed it well
	hash *= 0xff51afd7ed558ccd
	hash ^= hash >> 33
	hash *= 0xc4ceb9fe1a85ec53
	s[hash>>58] |= 1 << (hash >> 52 & 63)
}

func (s *Sketch) add(o *Sketch) {
	for i := range s {
		s[i] |= o[i]
	}
}

// Len is how many clients there are.
func (s *Sketch) Len() int {
	free := sketchBits
	for _, w := range s {
		free -= bits.OnesCount64(w)
	}
	return int(math.Round(sketchBits * math.Log(sketchBits/float64(max(free, 1)))))
}

// maxNames is how many zones a line names.
const maxNames = 4

func names(list []string) string {
	if len(list) <= maxNames {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:maxNames], ", "), len(list)-maxNames)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Lasted is a time span as lines have it: as exact as a reader wants to know.
func Lasted(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
