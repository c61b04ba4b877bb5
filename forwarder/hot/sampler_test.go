package hot

import (
	"math"
	"testing"
	"time"
)

// play lets a sampler see events at a rate for a while, in batches, and returns the
// weight and the number of what it picked.
func play(s *Sampler, now *time.Duration, perSecond, batch int, length time.Duration) (weight float64, picked int) {
	end := *now + length
	for *now < end {
		s.Begin(*now)
		for range batch {
			if s.Picks() {
				weight += float64(s.Weight())
				picked++
			}
		}
		*now += time.Second * time.Duration(batch) / time.Duration(perSecond)
	}
	return weight, picked
}

// Weights add up to what there was, and no more is picked than is to be, whatever the
// rate is and was.
func TestSampler(t *testing.T) {
	s := Sampler{Most: 100}
	var now time.Duration
	for _, tt := range []struct {
		perSecond, batch int
		exact            bool
	}{
		{10, 1, true}, {900, 1, true}, {20_000, 2, false}, {300_000, 64, false}, {1_000_000, 64, false},
		{5000, 1, false}, {3_000_000, 64, false},
	} {
		const seconds = 10
		play(&s, &now, tt.perSecond, tt.batch, time.Second) // it learns
		weight, picked := play(&s, &now, tt.perSecond, tt.batch, seconds*time.Second)
		want := float64(tt.perSecond * seconds)
		if tt.exact && (weight != float64(picked) || math.Abs(weight-want) > 1) {
			t.Errorf("%d a second: picked %d of weight %v, want all", tt.perSecond, picked, weight)
		}
		if math.Abs(weight/want-1) > 0.06 { // four times its deviation
			t.Errorf("%d a second: weights add up to %v, want %v", tt.perSecond, weight, want)
		}
		if picked > 1200*seconds {
			t.Errorf("%d a second: picked %d, want no more than 1000 a second", tt.perSecond, picked)
		}
	}
}

// After a burst a lone event counts again: the countdown of the burst does not last.
func TestSamplerAfterBurst(t *testing.T) {
	s := Sampler{Most: 100}
	var now time.Duration
	play(&s, &now, 1_000_000, 64, time.Second)
	now += time.Second
	play(&s, &now, 10, 1, time.Second) // the first of them stand for what was before
	if weight, picked := play(&s, &now, 10, 1, time.Second); weight != 10 || picked != 10 {
		t.Errorf("picked %d of weight %v, want all 10", picked, weight)
	}
}

// A burst out of the blue is not picked whole.
func TestSamplerInBurst(t *testing.T) {
	s := Sampler{Most: 100}
	var now time.Duration
	weight, picked := play(&s, &now, 1_000_000, 64, Window/2)
	if picked > 1200 || math.Abs(weight/50_000-1) > 0.4 {
		t.Errorf("picked %d of weight %v, want 1200 at most, of about 50000", picked, weight)
	}
}

// Events that come in turns have the same chance, however long the turn is.
func TestSamplerIsFair(t *testing.T) {
	s := Sampler{Most: 100}
	var weights [4]float64
	i := 0
	for batch := range 200_000 {
		s.Begin(time.Duration(batch) * 100 * time.Microsecond)
		for range 40 {
			if s.Picks() {
				weights[i%len(weights)] += float64(s.Weight())
			}
			i++
		}
	}
	for turn, w := range weights {
		if want := float64(i) / float64(len(weights)); math.Abs(w/want-1) > 0.08 {
			t.Errorf("of every fourth event from %d on, weights add up to %v, want %v", turn, w, want)
		}
	}
}
