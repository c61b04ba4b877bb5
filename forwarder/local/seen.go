package local

import (
	"hash/maphash"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// seen finds records that come again, by a hash of their wire form.
type seen struct {
	seed maphash.Seed
	wire []byte         // of one record
	fold []byte         // the same in lower case
	last map[uint64]int // hash: the number of the last record that has it
	prev []int          // by a record's number: the one before with its hash; -1 is none
}

func newSeen() seen {
	return seen{seed: maphash.MakeSeed(), wire: make([]byte, 1<<16), last: make(map[uint64]int)}
}

// again reports whether rr is among records, and if not, takes it for the next of
// them. A record that is none in wire form is an error.
func (s *seen) again(rr dns.RR, records []dns.RR) (bool, error) {
	h := rr.Header()
	ttl := h.Ttl
	h.Ttl = 0
	n, err := dns.PackRR(rr, s.wire, 0, nil, false)
	h.Ttl = ttl
	if err != nil {
		return false, shortened(err)
	}
	s.fold = wire.AppendLower(s.fold[:0], s.wire[:n])
	hash := maphash.Bytes(s.seed, s.fold)
	at, ok := s.last[hash]
	if !ok {
		at = -1
	}
	for i := at; i >= 0; i = s.prev[i] {
		if dns.IsDuplicate(records[i], rr) {
			return true, nil
		}
	}
	s.prev = append(s.prev, at)
	s.last[hash] = len(records)
	return false, nil
}
