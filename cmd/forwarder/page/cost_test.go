package page

import (
	"fmt"
	"testing"
	"time"

	"vpcdns/forwarder"
	"vpcdns/forwarder/watch"
)

// What is done each second while nobody looks.
func BenchmarkSample(b *testing.B) {
	s := newBenchSite(b)
	for b.Loop() {
		st := s.server.Stats()
		s.page.sampler.sample(time.Now(), &st)
	}
}

// What of it holds up who notes a watched name that is given out, at the most names that
// there may be.
func BenchmarkGiven(b *testing.B) {
	s := newSite(b, Options{}, "", forwarder.Options{Watch: []string{"*.corp.example."}})
	for i := range 1000 {
		s.ask(fmt.Sprintf("n%d.corp.example.", i), 1)
	}
	var list []watch.Given
	for b.Loop() {
		list = s.server.AppendGiven(list[:0])
	}
	b.ReportMetric(float64(len(list)), "names")
}

// What is done each second for all viewers.
func BenchmarkDocument(b *testing.B) {
	s := newBenchSite(b)
	size := 0
	for b.Loop() {
		text := encode(s.page.document(s.server.Stats()))
		size = len(text)
	}
	b.ReportMetric(float64(size), "octets")
}

func newBenchSite(b *testing.B) *site {
	s := newSite(b, Options{}, "", forwarder.Options{Watch: []string{"*.corp.example."}})
	for i := range 100 {
		s.ask(fmt.Sprintf("n%d.corp.example.", i), 1)
	}
	return s
}

// A strip keeps what fits: the newest of data that changes all the time, and not all of
// data that is long.
func TestStripsAreBounded(t *testing.T) {
	s := strips{of: make(map[string][]*strip)}
	now := time.Now()
	for second := range 3 * points {
		for i := range 3 {
			long := make([]string, 100)
			for j := range long {
				long[j] = fmt.Sprintf("%0*d", 1000, second)
			}
			s.note(now.Add(time.Duration(second)*time.Second), &watch.Given{Name: fmt.Sprint(i), Type: 16, Data: long, Why: "upstream"})
		}
		s.end(now.Add(time.Duration(second) * time.Second))
	}
	for name, list := range s.of {
		g := list[0].segments
		if last := g[len(g)-1]; len(g) != maxSegments || len(last.data) != maxStripData || last.more != 100-maxStripData || len(last.data[0]) > maxDatum+len("…") {
			t.Errorf("the strip of %s has %d segments, the last with %d records, more %d", name, len(g), len(last.data), last.more)
		}
	}
	later := now.Add(3*lately + lately + time.Minute)
	if s.end(later); len(s.of) != 0 || s.n != 0 || s.kept != 0 {
		t.Errorf("after 15 minutes there are still %d strips, %d segments", s.n, s.kept)
	}
}

// All strips together are bounded too.
func TestAllStripsAreBounded(t *testing.T) {
	s := strips{of: make(map[string][]*strip)}
	now := time.Now()
	for second := range 60 {
		for i := range maxStrips + 100 {
			s.note(now, &watch.Given{Name: fmt.Sprint(i), Type: 1, Data: []string{fmt.Sprint(second)}, Why: "upstream"})
		}
		if s.end(now); s.n != maxStrips || s.kept > maxKept {
			t.Fatalf("in second %d there are %d strips with %d segments", second, s.n, s.kept)
		}
	}
}

func TestQuantiles(t *testing.T) {
	bounds := []time.Duration{time.Millisecond, 10 * time.Millisecond}
	tests := []struct {
		name    string
		buckets []uint64
		want    Quantiles
	}{
		{"none", []uint64{0, 0, 0}, Quantiles{}},
		{"one bucket", []uint64{100, 0, 0}, Quantiles{0.0005, 0.0009, 0.00099, 100}},
		{"two", []uint64{50, 50, 0}, Quantiles{0.001, 0.0082, 0.00982, 100}},
		{"above all", []uint64{0, 0, 7}, Quantiles{0.01, 0.01, 0.01, 7}},
	}
	for _, tt := range tests {
		if got := quantiles(tt.buckets, bounds); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
