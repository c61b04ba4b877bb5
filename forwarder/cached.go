package forwarder

import (
	"fmt"
	"iter"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cache"
	"vpcdns/forwarder/wire"
)

// CachedAnswer is an answer that is kept.
type CachedAnswer struct {
	Name    string         // as in presentation format, lower case
	Type    uint16         // 0: any, as the name does not exist
	Rcode   int            // of the answer
	TTL     time.Duration  // left; 0 or less of one that is kept to be given stale
	Stale   time.Duration  // left of the time that it may be given stale, from the end of its TTL on
	Stored  time.Duration  // how long ago it was asked for
	Server  netip.AddrPort // that gave it; the zero value if that is not known
	Hits    uint64         // how often it was given since, by estimate: exact up to 16
	Open    bool           // a chain of CNAMEs that goes on elsewhere
	CD      bool           // asked with CD: who does not set that gets another answer
	Signed  bool           // for who sets DO
	Beside  bool           // without the signatures that the one beside it has, which is Signed
	Empty   bool           // without records in its answer section
	entry   cache.Entry
	elapsed uint32 // seconds off its TTLs
}

// Cached yields the answers that are kept, in no order. What is kept or dropped
// meanwhile is seen or not.
func (s *Server) Cached() iter.Seq[CachedAnswer] {
	return func(yield func(CachedAnswer) bool) {
		st := s.state.Load()
		for e := range s.cache.All() {
			if !yield(s.cachedAnswer(st, e, s.clock.now())) {
				return
			}
		}
	}
}

func (s *Server) cachedAnswer(st *state, e cache.Entry, now time.Duration) CachedAnswer {
	key := wire.Key(e.Key())
	_, ans := splitValue(e.Value())
	bits := key.Bits()
	return CachedAnswer{
		Name:    wire.NameText(key.Name()),
		Type:    key.Type(),
		Rcode:   ans.Rcode(),
		TTL:     e.Expires() - now,
		Stale:   e.StaleUntil() - max(now, e.Expires()),
		Stored:  now - e.Stored(),
		Server:  st.serverNumbers.server(originOf(e).server),
		Hits:    e.Hits(),
		Open:    ans.Open(),
		Empty:   ans.Count(0) == 0,
		CD:      bits&wire.KeyCD != 0,
		Signed:  bits&wire.KeyDO != 0,
		Beside:  !suits(e, true) && answersOf(s.cache, key, e).signed != ans,
		entry:   e,
		elapsed: elapsed(now - e.Stored()),
	}
}

// Message is the answer with the TTLs that a client would be told; 0 where they are
// over. It is nil for what no upstream can send.
func (c *CachedAnswer) Message() *dns.Msg {
	key := c.entry.Key()
	q := wire.Query{Question: []byte(key[:len(key)-1])}
	_, ans := splitValue(c.entry.Value())
	m := new(dns.Msg)
	if m.Unpack(wire.AppendReply(nil, &q, wire.QR, ans, wire.Aging{Sub: c.elapsed}, new(wire.Order))) != nil {
		return nil
	}
	return m
}

// IsCached reports whether there is a fresh answer for who asks for a name, in
// presentation format, with neither DO nor CD.
func (s *Server) IsCached(name string, rtype uint16) bool {
	return s.CachedFor(name, rtype) > 0
}

// CachedFor returns the TTL that is left of the answer that IsCached looks for, 0 if there
// is none.
func (s *Server) CachedFor(name string, rtype uint16) time.Duration {
	q := wire.Query{Question: append([]byte(wire.PackName(name)), byte(rtype>>8), byte(rtype), 0, wire.ClassIN)}
	key, now := q.AppendKey(nil), s.clock.now()
	e, ok := findFresh(s.cache, key, s.cache.Hash(key), false, now)
	if !ok {
		return 0
	}
	return e.Expires() - now
}

// Has reports whether a name, in presentation format, has a part in the answer: as an
// owner, or in its chain.
func (c *CachedAnswer) Has(name string) bool {
	wanted := wire.PackName(dns.CanonicalName(name))
	return occursIn(c.entry, func(owner string) bool { return owner == wanted })
}

// Flush forgets all that is cached. Answers under way are not kept.
func (s *Server) Flush() {
	defer s.flushes.flushing()()
	s.forgetUnderWay()
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
	defer s.flushes.flushing()()
	flushed := wire.PackName(dns.CanonicalName(name))
	s.forgetUnderWay()
	return s.cache.DeleteFunc(func(e cache.Entry) bool {
		return mayHave(e, flushed) && occursIn(e, func(owner string) bool { return match(owner, flushed) })
	}), nil
}

func (s *Server) forgetUnderWay() {
	s.inflight.forget()
	s.servfails.Clear()
	s.repeats.clear()
}

// flushWanted forgets every answer that a name has a part in which is its own source.
func (s *Server) flushWanted() {
	defer s.flushes.flushing()()
	s.forgetUnderWay()
	s.cache.DeleteFunc(func(e cache.Entry) bool {
		return occursIn(e, func(owner string) bool { return s.watches.Wants([]byte(owner)) })
	})
}

// mayHave reports whether a wire name, or one below it, can have a part in an entry: its
// first label is written there somewhere, however names are compressed. It spares most
// entries a closer look.
func mayHave(e cache.Entry, name string) bool {
	label := name[:1+name[0]]
	if len(label) == 1 || strings.Contains(e.Key(), label) {
		return true
	}
	for text := e.Value()[originLen:]; ; text = text[1:] {
		i := strings.IndexByte(text, label[0])
		if i < 0 || len(text)-i < len(label) {
			return false
		}
		if text = text[i:]; strings.EqualFold(text[1:len(label)], label[1:]) {
			return true
		}
	}
}

// occursIn reports whether match is true for a name that has a part in an entry: wire
// names in lower case.
func occursIn(e cache.Entry, match func(owner string) bool) (found bool) {
	if match(wire.KeyName(e.Key())) {
		return true
	}
	_, ans := splitValue(e.Value())
	ans.Owners(e.Key()[:len(e.Key())-1], func(owner []byte) bool {
		found = match(string(owner))
		return !found
	})
	return found
}
