package acl

import (
	"net/netip"
	"testing"
)

// FuzzMatch holds a compiled Set to the definition: walk the list, the first
// element that matches decides.
func FuzzMatch(f *testing.F) {
	f.Add([]byte("\x00\x0a\x08\x02\x03"), true)
	f.Add([]byte("\x14\x0a\x10\x01\x00\x0a\x08\x80\x01"), false)
	f.Add([]byte("\x14\x14\x10\x0a\x20\x07\x07\x06\xfe\x40"), true)
	f.Fuzz(func(t *testing.T, program []byte, mapped bool) {
		r := reader{program}
		env := Env{
			Localhost:   []netip.Addr{r.addr(), r.addr()},
			Localnets:   []netip.Prefix{r.prefix()},
			MatchMapped: mapped,
		}
		l := r.list(4)
		set := l.Compile(env)
		probes := append(edgesOf(l, env), r.addr(), r.addr())
		for _, a := range probes {
			if got, want := set.Match(a), walk(l, &env, a); got != want {
				t.Fatalf("%v.Match(%v) with %+v = %v, want %v", l, a, env, got, want)
			}
		}
	})
}

// walk is the definition of a List's meaning.
func walk(l List, env *Env, a netip.Addr) bool {
	a = a.WithZone("")
	if env.MatchMapped && a.Is4In6() {
		a = a.Unmap()
	}
	for _, e := range l {
		if matches(e, env, a) {
			return !e.Negated
		}
	}
	return false
}

func matches(e Element, env *Env, a netip.Addr) bool {
	switch e.Kind {
	case Prefix:
		return e.Prefix.Contains(a)
	case Any:
		return true
	case Localhost:
		return hasAddr(env.Localhost, a)
	case Localnets:
		return hasPrefix(env.Localnets, a)
	case Nested:
		return walk(e.List, env, a)
	}
	return false
}

func hasAddr(l []netip.Addr, a netip.Addr) bool {
	for _, b := range l {
		if b == a {
			return true
		}
	}
	return false
}

func hasPrefix(l []netip.Prefix, a netip.Addr) bool {
	for _, p := range l {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// edgesOf returns the addresses where a mistake would show: the first and last
// of every prefix, their neighbours, and the ends of both families.
func edgesOf(l List, env Env) []netip.Addr {
	all := addrs("0.0.0.0", "255.255.255.255", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
	for _, a := range env.Localhost {
		all = around(all, a, a)
	}
	for _, p := range env.Localnets {
		all = around(all, p.Masked().Addr(), last(p))
	}
	return edgesOfList(all, l)
}

func edgesOfList(all []netip.Addr, l List) []netip.Addr {
	for _, e := range l {
		all = edgesOfList(all, e.List)
		if e.Kind == Prefix {
			all = around(all, e.Prefix.Masked().Addr(), last(e.Prefix))
		}
	}
	return all
}

func around(all []netip.Addr, first, last netip.Addr) []netip.Addr {
	for _, a := range []netip.Addr{first.Prev(), first, last, last.Next()} {
		if a.IsValid() {
			all = append(all, a)
		}
	}
	return all
}

// reader makes lists of a fuzzer's bytes; past their end it reads zeroes.
type reader struct{ b []byte }

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

// addr reads addresses that lie close together, so that they meet.
func (r *reader) addr() netip.Addr {
	b, family := r.byte(), r.byte()%3
	switch family {
	case 0:
		return netip.AddrFrom4([4]byte{b, 0, 0, b})
	case 1:
		return netip.AddrFrom16([16]byte{0: b, 15: b})
	}
	return netip.AddrFrom16([16]byte{10: 0xff, 11: 0xff, 12: b, 15: b})
}

func (r *reader) prefix() netip.Prefix {
	a := r.addr()
	return netip.PrefixFrom(a, int(r.byte())%(a.BitLen()+1))
}

func (r *reader) list(depth int) List {
	var l List
	for range r.byte() % 6 {
		l = append(l, r.element(depth))
	}
	return l
}

func (r *reader) element(depth int) Element {
	b := r.byte()
	e := Element{Kind: Kind(b % uint8(Never+1)), Negated: b >= 0x80}
	switch {
	case e.Kind == Prefix:
		e.Prefix = r.prefix()
	case e.Kind == Nested && depth > 0:
		e.List = r.list(depth - 1)
	}
	return e
}
