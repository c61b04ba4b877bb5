package cache

// The count of an entry's hits is a floating point number: 5 bits of exponent and
// 4 of mantissa, counted up with a probability of 1 in 2^exponent (Morris, CACM
// 21:10, 1978). It is exact up to 16, and above as a rule within a sixth. Thus the
// name that all processors ask for is hardly ever written to.
const (
	mantissaBits = 4
	mantissas    = 1 << mantissaBits
)

// CountHit counts a use of the entry. random is well spread, and needs not be
// secret. Of two calls at the same instant one may count.
func (e Entry) CountHit(random uint64) {
	word := e.second()
	old := word.Load()
	count := old >> hitsAt & maxCount
	if random&(1<<(count>>mantissaBits)-1) == 0 && count < maxCount {
		word.CompareAndSwap(old, old+1<<hitsAt)
	}
}

// Hits returns how often CountHit was called, by estimate.
func (e Entry) Hits() uint64 {
	count := e.second().Load() >> hitsAt & maxCount
	return (mantissas+count%mantissas)<<(count>>mantissaBits) - mantissas
}
