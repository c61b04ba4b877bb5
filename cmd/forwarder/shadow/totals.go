package shadow

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Totals are what came of a comparison. The zero value is ready to use; its methods
// may be called by several goroutines.
type Totals struct {
	// Out is told of differences as they occur; of each kind some, then they are
	// counted only.
	Out io.Writer

	mu          sync.Mutex
	compared    int // questions
	differing   int // of those, the ones that count
	refused     int // by named
	silent      int // named gave no answer at all
	kinds       map[string]int
	known       map[string]int
	named, ours latencies
}

// examples of each kind are shown.
const examples = 20

// Add counts a result.
func (t *Totals) Add(r Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kinds == nil {
		t.kinds, t.known = make(map[string]int), make(map[string]int)
	}
	t.compared++
	if r.Named.Msg != nil {
		t.named.add(r.Named.Took)
	} else {
		t.silent++
	}
	if r.Ours.Msg != nil {
		t.ours.add(r.Ours.Took)
	}
	if r.Named.is(dns.RcodeRefused) {
		t.refused++
	}
	counts := false
	for i := range r.Differences {
		counts = t.difference(&r.Differences[i]) || counts
	}
	if counts {
		t.differing++
	}
}

// difference reports whether it counts: it is not on purpose, or clients lose by it.
func (t *Totals) difference(d *Difference) bool {
	counts := d.Known == "" || d.ClientNotice
	group, kind := t.kinds, d.Kind
	if d.Known != "" {
		group, kind = t.known, d.Known
	}
	group[kind]++
	switch n := group[kind]; {
	case !counts && n > 1: // one example is enough
	case n <= examples:
		fmt.Fprintln(t.Out, d)
	case n == examples+1:
		fmt.Fprintf(t.Out, "more differences of this kind (%s) are counted only\n", kind)
	}
	return counts
}

// ErrNotCompared says that named answered nothing that could be compared.
var ErrNotCompared = errors.New("nothing could be compared")

// Differ reports whether there were differences that count. The error is that named
// let itself not be asked.
func (t *Totals) Differ() (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.compared == 0:
		return false, fmt.Errorf("%w: no question was asked", ErrNotCompared)
	case t.silent == t.compared:
		return false, fmt.Errorf("%w: named did not answer", ErrNotCompared)
	case t.refused == t.compared:
		return false, fmt.Errorf("%w: named refused all questions: its allow-query does not have this host; add localhost to it, or run this on a client", ErrNotCompared)
	}
	return t.differing > 0, nil
}

// String is one line: answers compared, differences by kind.
func (t *Totals) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := fmt.Sprintf("%d answers compared, ", t.compared)
	if t.differing == 0 {
		s += "none differs"
	} else {
		s += fmt.Sprintf("%d differ", t.differing)
	}
	if len(t.kinds) > 0 {
		s += ": " + byCount(t.kinds)
	}
	if len(t.known) > 0 {
		s += "; known: " + byCount(t.known)
	}
	return s
}

func byCount(m map[string]int) string {
	var parts []string
	for _, k := range slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(m[b], m[a]), strings.Compare(a, b))
	}) {
		parts = append(parts, fmt.Sprintf("%d %s", m[k], k))
	}
	return strings.Join(parts, ", ")
}

// Latencies is how long answers took: "named 0.3, 1.2, 40 ms; forwarder …".
func (t *Totals) Latencies() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprintf("median, p99, worst: named %v; forwarder %v", &t.named, &t.ours)
}

// latencies are times of answers: all count for the worst, a sample for the rest.
type latencies struct {
	n      int
	worst  time.Duration
	sample []time.Duration
}

const sampleSize = 10_000

func (l *latencies) add(d time.Duration) {
	l.n++
	l.worst = max(l.worst, d)
	if len(l.sample) < sampleSize {
		l.sample = append(l.sample, d)
	} else if i := rand.IntN(l.n); i < sampleSize {
		l.sample[i] = d
	}
}

// quantile is 0 without any.
func (l *latencies) quantile(q float64) time.Duration {
	if len(l.sample) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(l.sample))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func (l *latencies) String() string {
	if l.n == 0 {
		return "no answer"
	}
	ms := func(d time.Duration) string { return fmt.Sprintf("%.3g", float64(d)/float64(time.Millisecond)) }
	return fmt.Sprintf("%s, %s, %s ms", ms(l.quantile(0.5)), ms(l.quantile(0.99)), ms(l.worst))
}
