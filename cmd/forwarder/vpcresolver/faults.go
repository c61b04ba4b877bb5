package vpcresolver

import (
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// Faults are what is wrong with the answers for a name. The zero value is
// nothing.
type Faults struct {
	Drop       float64       // share of the queries that get no answer, 0 to 1
	Delay      time.Duration // how late every answer is
	Jitter     time.Duration // how much later still, at most: answers overtake each other
	Duplicate  float64       // share of the answers that are sent twice, 0 to 1
	PPS        int           // UDP queries taken from one address in a second, the rest dropped; 0 is no limit. The VPC resolver's is 1024.
	Rcode      int           // answered with nothing else, unless 0
	Truncated  bool          // over UDP, TC and no records
	NoTCP      bool          // queries over TCP get no answer
	NoEDNS     bool          // a query with an OPT record gets FORMERR without one
	NoOPT      bool          // the OPT record of queries is ignored
	NoSOA      bool          // negative answers carry no SOA
	NoRA       bool          // answers say that recursion is not available
	Empty      bool          // NOERROR without any records
	Referral   bool          // NOERROR with nothing but name servers
	WrongID    bool          // answers carry another ID
	WrongName  bool          // answers carry another question
	NoQuestion bool          // answers carry no question
	Cut        bool          // answers end in the middle of a record

	// Those of caches that disagree, of which the VPC resolver has two layers.
	// At most ten minutes; changes of an Authority's zones and by Set alike.
	Flap  time.Duration // for so long after a change, half of the answers are earlier ones, with whole TTLs: what there was before it, or of several changes any
	Stale time.Duration // a change is learnt so much later, and then as ever when its TTL has run out in the caches
	Out   bool          // the authoritative servers do not answer: caches repeat what they had with a TTL of at most 30 s, and have SERVFAIL for the rest
	Zero  bool          // caches give TTL 0 in a record's last second
}

// window counts the packets of one client within one second.
type window struct {
	start   time.Time
	packets int
}

// action is what becomes of one query.
type action struct {
	Faults
	dropped, again bool
	delay          time.Duration
	query          *Query // its record, or nil
}

// decide counts the query, finds the faults of its name and casts the dice.
func (r *Resolver) decide(name string, client net.Addr) action {
	name = dns.CanonicalName(name)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total++
	r.asked[name]++
	a := action{Faults: r.faultsOf(name)}
	a.delay = a.Delay + time.Duration(r.random.Float64()*float64(a.Jitter))
	a.again = r.random.Float64() < a.Duplicate
	a.dropped = r.random.Float64() < a.Drop
	if udp, ok := client.(*net.UDPAddr); ok {
		a.query = r.record(name, udp.AddrPort())
		a.dropped = a.PPS > 0 && r.packets(udp.AddrPort().Addr()) > a.PPS || a.dropped
	}
	return a
}

func (r *Resolver) faultsOf(name string) Faults {
	for _, i := range append(dns.Split(name), len(name)-1) {
		if f, ok := r.faults[name[i:]]; ok {
			return f
		}
	}
	return Faults{}
}

// packets counts one more packet of the client, within the current second.
func (r *Resolver) packets(client netip.Addr) int {
	w := r.second[client]
	if now := time.Now(); now.Sub(w.start) >= time.Second {
		w = window{start: now}
	}
	w.packets++
	r.second[client] = w
	return w.packets
}
