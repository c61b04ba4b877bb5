package page

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"vpcdns/forwarder/watch"
)

const (
	// maxStrips bounds the names and types that have a strip: 1000 names have state at
	// most, most of them with an A and an AAAA.
	maxStrips = 2000

	// maxSegments bounds a strip: data that changes more often loses its oldest.
	maxSegments = 40

	// maxStripData bounds what a segment keeps of its data, in records and octets of
	// each: with maxKept, all strips take 8 MB at most, and 0.5 MB as a rule.
	maxStripData = 4

	// maxKept bounds the segments of all strips: past that each keeps its newest few.
	maxKept = 10_000
	fewKept = 4
)

// strips are what clients were given of each name and type.
type strips struct {
	of   map[string][]*strip // by name
	n    int                 // strips
	kept int                 // segments
}

// strip is run-length coded: each segment ends where the next begins.
type strip struct {
	rtype    uint16
	typeText string
	segments []segment
	whole    []string // of the latest segment, as the table has it
}

type segment struct {
	from, until time.Time
	data        []string
	more        int
	why         string
}

// note adds what clients are given now.
func (s *strips) note(now time.Time, g *watch.Given) {
	t := s.find(g)
	if t == nil {
		return
	}
	if n := len(t.segments); n > 0 {
		last := &t.segments[n-1]
		last.until = now
		if last.why == g.Why && slices.Equal(t.whole, g.Data) {
			return
		}
	}
	t.whole = g.Data
	data, more := keptData(g.Data)
	t.segments = append(t.segments, segment{now, now, data, more, g.Why})
	s.kept++
	s.trim(t, maxSegments)
}

// find returns the strip of a name and type, a new one while there is room, else nil.
func (s *strips) find(g *watch.Given) *strip {
	for _, t := range s.of[g.Name] {
		if t.rtype == g.Type {
			return t
		}
	}
	if s.n >= maxStrips {
		return nil
	}
	t := &strip{rtype: g.Type, typeText: g.TypeText()}
	s.of[g.Name] = append(s.of[g.Name], t)
	s.n++
	return t
}

// keptData is a bounded copy.
func keptData(data []string) ([]string, int) {
	kept := make([]string, min(len(data), maxStripData))
	for i := range kept {
		kept[i] = strings.Clone(data[i])
		if len(kept[i]) > maxDatum {
			kept[i] = strings.ToValidUTF8(data[i][:maxDatum], "") + "…"
		}
	}
	return kept, len(data) - len(kept)
}

func (s *strips) trim(t *strip, most int) {
	if more := len(t.segments) - most; more > 0 {
		t.segments = slices.Delete(t.segments, 0, more)
		s.kept -= more
	}
}

// end drops what is over for 15 minutes.
func (s *strips) end(now time.Time) {
	for name, list := range s.of {
		for _, t := range list {
			s.trim(t, len(t.segments)-t.old(now))
		}
		left := slices.DeleteFunc(list, func(t *strip) bool { return len(t.segments) == 0 })
		s.n -= len(list) - len(left)
		if s.of[name] = left; len(left) == 0 {
			delete(s.of, name)
		}
	}
	if s.kept > maxKept {
		s.trimAll()
	}
}

// old is how many segments are.
func (t *strip) old(now time.Time) (n int) {
	for n < len(t.segments) && now.Sub(t.segments[n].until) > lately {
		n++
	}
	return n
}

func (s *strips) trimAll() {
	for _, list := range s.of {
		for _, t := range list {
			s.trim(t, fewKept)
		}
	}
}

// strip is that of a name, by type and time.
func (s *sampler) strip(name string) []Segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	list, now := []Segment{}, time.Now()
	for _, t := range s.strips.of[name] {
		for i := range t.segments {
			g := &t.segments[i]
			from := g.from
			if now.Sub(from) > lately {
				from = now.Add(-lately)
			}
			list = append(list, Segment{t.typeText, onClock(from, now), onClock(g.until, now), g.data, g.more, g.why})
		}
	}
	slices.SortFunc(list, func(a, b Segment) int { return cmp.Or(cmp.Compare(a.Type, b.Type), a.From.Compare(b.From)) })
	return list
}
