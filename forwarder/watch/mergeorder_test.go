package watch

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// random gives one member or both a command, or lets upstream speak to them, and says what
// it did.
func (f *fleet) random(rng *rand.Rand) (did string) {
	only := rng.IntN(3) // 2: both
	addr, token := fmt.Sprint("10.0.0.", 1+rng.IntN(3)), []string{"", "x", "y"}[rng.IntN(3)]
	ahead := time.Duration(rng.IntN(3)-1)*time.Second + time.Duration(rng.IntN(1e6)) // no two commands have one time
	op := rng.IntN(8)
	for i, table := range []*Table{f.a, f.b} {
		if only == 1-i {
			continue
		}
		m, who := f.moment(table), string(rune('a'+i))
		switch op {
		case 0, 1, 2:
			did += fmt.Sprintf("%s: add %s token %q ahead %v = %v\n", who, addr, token, ahead, f.add(table, addr, ahead, token))
		case 3:
			did += fmt.Sprintf("%s: confirm %s = %v\n", who, token, table.ConfirmOverride(guarded, token, m))
		case 4:
			did += fmt.Sprintf("%s: withdraw %s = %v\n", who, token, table.WithdrawOverride(guarded, token, m))
		case 5:
			did += fmt.Sprintf("%s: delete = %v\n", who, table.DeleteOverride(guarded, dns.TypeA, m))
		case 6:
			f.hear(table, addr)
			did += fmt.Sprintf("%s: hear %s\n", who, addr)
		case 7:
			did += fmt.Sprintf("%s: clear = %v\n", who, table.ClearGuard(guarded, m))
		}
	}
	return did
}

// Two newcomers that ask the members in another order, one of them all the time, one in
// the end, give clients the same.
func TestMergeOrder(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		f := newFleet(t)
		var log strings.Builder
		for range 2 + rng.IntN(5) {
			log.WriteString(f.random(rng))
			if rng.IntN(2) == 0 {
				f.fetch(f.new, f.a)
				f.fetch(f.new, f.b)
				fmt.Fprintf(&log, "new: %q\n", f.given(f.new))
			}
			if d := time.Duration(rng.IntN(4)) * time.Second; d > 0 {
				f.pass(d)
				fmt.Fprintf(&log, "pass %v\n", d)
			}
		}
		f.fetch(f.new, f.a)
		f.fetch(f.new, f.b)
		late := newTable()
		f.skew[late] = time.Minute
		f.fetch(late, f.b)
		f.fetch(late, f.a)
		f.fetch(late, f.b)
		if got, want := f.given(late), f.given(f.new); got != want {
			t.Fatalf("seed %d: who asks in the end has %q, who asked all the time %q; members have %q and %q\n%s", seed, got, want, f.given(f.a), f.given(f.b), &log)
		}
	}
}
