package forwarder

import (
	"fmt"
	"log/slog"
	"sync/atomic"
)

// sampled reports whether the current query is one that is logged, with its response.
// Each query has the same chance, whoever asks and whatever came before: of every
// N-th query those of a client that asks in a pattern, as for A and AAAA in turns,
// would be the same half.
func (w *worker) sampled() bool {
	if w.logSample <= 1 {
		return true
	}
	return w.roll()>>32*uint64(w.logSample)>>32 == 0
}

// roll returns a random number, whose high bits are good: Knuth's MMIX.
func (w *worker) roll() uint64 {
	w.random = w.random*6364136223846793005 + 1442695040888963407
	return w.random
}

// saySampled says in the first line of a log that it has a part only.
func (e *engine) saySampled(l *slog.Logger, said *atomic.Bool, what string) {
	if e.logSample > 1 && said.CompareAndSwap(false, true) {
		l.Info(fmt.Sprintf("1 of %d %s logged, chosen at random (--query-log-sample)", e.logSample, what))
	}
}
