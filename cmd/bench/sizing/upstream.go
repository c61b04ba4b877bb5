package sizing

import (
	"math/rand/v2"
	"time"
)

// Upstream is the resolver that is asked. The zero value answers at once, from an
// authoritative copy: always with the whole TTL.
type Upstream struct {
	RTT      time.Duration
	Instance bool    // it has a cache of the instance's own
	Hosts    int     // of the fleet behind that, each with a cache; a question is for any of them. 0: no fleet
	Others   float64 // how often others ask a host for a name, queries a second
	Zero     bool    // caches give TTL 0 in a record's last second
	Loss     float64 // share of the packets that get no answer, 0 to 1
}

// VPC is the VPC resolver as far as it is known: two layers of caches, TTL 0 in the last
// second.
func VPC(others float64) Upstream {
	return Upstream{RTT: 500 * time.Microsecond, Instance: true, Hosts: 2, Others: others, Zero: true}
}

// copied is an answer in a cache of the resolver's. The zero value is none.
type copied struct {
	stored time.Duration
	ttl    uint32 // seconds
	known  bool
}

// left is what its TTL is at now, in seconds; ok is false if it is over.
func (c *copied) left(now time.Duration, zero bool) (ttl uint32, ok bool) {
	age := now - c.stored
	if !c.known || age >= c.ends()-c.stored {
		return 0, false
	}
	if zero {
		age += time.Second - 1
	}
	return c.ttl - uint32(age/time.Second), true
}

func (c *copied) ends() time.Duration { return c.stored + time.Duration(c.ttl)*time.Second }

// caches are the resolver's.
type caches struct {
	Upstream
	ttls     []uint32 // of the records, by key
	instance []copied // by key
	fleet    []copied // Hosts for each key
	random   *rand.Rand
}

func newCaches(u Upstream, ttls []uint32, random *rand.Rand) *caches {
	c := &caches{Upstream: u, ttls: ttls, random: random, fleet: make([]copied, len(ttls)*u.Hosts)}
	if u.Instance {
		c.instance = make([]copied, len(ttls))
	}
	return c
}

// answer returns the TTL with which a question that comes at now is answered.
func (c *caches) answer(key int, now time.Duration) uint32 {
	if !c.Instance {
		return c.answerOfFleet(key, now)
	}
	own := &c.instance[key]
	ttl, ok := own.left(now, c.Zero)
	if !ok {
		ttl = c.answerOfFleet(key, now)
		*own = copied{now, ttl, true}
	}
	return ttl
}

func (c *caches) answerOfFleet(key int, now time.Duration) uint32 {
	whole := c.ttls[key]
	if c.Hosts == 0 || whole == 0 {
		return whole
	}
	host := &c.fleet[key*c.Hosts+c.random.IntN(c.Hosts)]
	c.keepWarm(host, whole, now)
	ttl, ok := host.left(now, c.Zero)
	if !ok {
		*host = copied{now, whole, true}
		return whole
	}
	return ttl
}

// keepWarm lets others ask for what the host has lost before now.
func (c *caches) keepWarm(host *copied, whole uint32, now time.Duration) {
	if c.Others == 0 {
		return
	}
	if !host.known { // it is somewhere in its life when the time begins
		*host = copied{-time.Duration(c.random.Float64() * float64(whole) * float64(time.Second)), whole, true}
	}
	for host.ends() <= now {
		next := host.ends() + time.Duration(c.random.ExpFloat64()/c.Others*float64(time.Second))
		if next > now {
			return
		}
		*host = copied{next, whole, true}
	}
}
