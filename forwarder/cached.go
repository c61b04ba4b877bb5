package forwarder

import (
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cache"
	"vpcdns/forwarder/wire"
)

// CachedAnswer is an answer that is kept.
type CachedAnswer struct {
	Name   string // as in presentation format, lower case
	Type   uint16
	Rcode  int           // of the answer
	TTL    time.Duration // left; 0 or less of one that is kept to be given stale
	Stored time.Duration // how long ago it was asked for
}

// Cached yields the answers that are kept, in no order. What is kept or dropped
// meanwhile is seen or not.
func (s *Server) Cached() iter.Seq[CachedAnswer] {
	return func(yield func(CachedAnswer) bool) {
		now := s.clock.now()
		for e := range s.cache.All() {
			if !yield(cachedAnswer(e, now)) {
				return
			}
		}
	}
}

func cachedAnswer(e cache.Entry, now time.Duration) CachedAnswer {
	name := wire.KeyName(e.Key())
	_, ans := splitValue(e.Value())
	rtype := e.Key()[len(name):]
	return CachedAnswer{
		Name:   wire.NameText([]byte(name)),
		Type:   uint16(rtype[0])<<8 | uint16(rtype[1]),
		Rcode:  ans.Rcode(),
		TTL:    e.Expires() - now,
		Stored: now - e.Stored(),
	}
}

// Flush forgets all that is cached. Answers under way are not kept.
func (s *Server) Flush() {
	s.inflight.forget()
	s.servfails.questions.clear()
	s.repeats.clear()
	s.cache.Purge()
}

// FlushName forgets every answer that name has a part in: its own, and those
// of CNAME chains that pass through it. It returns how many there were.
func (s *Server) FlushName(name string) (int, error) {
	return s.flush(name, func(owner, flushed string) bool { return owner == flushed })
}

// FlushTree forgets every answer that name, or a name below it, has a part in.
func (s *Server) FlushTree(name string) (int, error) {
	return s.flush(name, func(owner, flushed string) bool {
		return strings.HasSuffix(owner, flushed) && onLabel(owner, len(owner)-len(flushed))
	})
}

// onLabel reports whether a label of the wire name starts at off.
func onLabel(name string, off int) bool {
	at := 0
	for at < off {
		at += 1 + int(name[at])
	}
	return at == off
}

func (s *Server) flush(name string, match func(owner, flushed string) bool) (int, error) {
	if _, ok := dns.IsDomainName(name); !ok {
		return 0, fmt.Errorf("flushing %q: not a domain name", name)
	}
	flushed := wire.PackName(dns.CanonicalName(name))
	s.inflight.forget()
	s.servfails.questions.clear()
	s.repeats.clear()
	return s.cache.DeleteFunc(func(e cache.Entry) bool {
		if match(wire.KeyName(e.Key()), flushed) {
			return true
		}
		_, ans := splitValue(e.Value())
		found := false
		question := e.Key()[:len(e.Key())-1]
		ans.Owners(question, func(owner []byte) bool {
			found = match(string(owner), flushed)
			return !found
		})
		return found
	}), nil
}
