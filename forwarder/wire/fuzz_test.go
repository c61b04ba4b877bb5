package wire

import (
	"bytes"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

// A sound query has a question that miekg/dns reads as we do, an OPT that it
// reads as we do, and a key that knows no case.
func FuzzQuery(f *testing.F) {
	for _, tt := range queryFaults {
		f.Add(tt.msg)
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		var q, swapped Query
		fault := q.Parse(slices.Clip(msg))
		if (fault == Ignore) != (len(msg) < HeaderLen || Flags(msg)&QR != 0) {
			t.Fatalf("Parse = %d", fault)
		}
		if fault != Sound {
			return
		}
		sameAsMiekg(t, msg, &q)
		key := q.AppendKey(nil)
		other := slices.Concat(msg[:HeaderLen], swapCase(q.Question), msg[HeaderLen+len(q.Question):])
		if f := swapped.Parse(other); f != Sound {
			t.Fatalf("Parse in the other case = %d, want Sound", f)
		}
		if got := swapped.AppendKey(nil); !bytes.Equal(got, key) {
			t.Errorf("key = %x, in the other case %x", key, got)
		}
		if name, _, err := dns.UnpackDomainName(key, 0); err != nil || name != dns.CanonicalName(name) {
			t.Errorf("key's name = %q, %v, want it canonical", name, err)
		}
	})
}

// Every record of a response that Parse takes is where miekg/dns finds it, and
// every reply made from it has the same records.
func FuzzMessage(f *testing.F) {
	for _, answers := range []map[string][]byte{responses(f), linkedAnswers(f)} {
		for _, msg := range answers {
			f.Add(msg, uint32(0), uint32(1<<31))
		}
	}
	f.Fuzz(func(t *testing.T, msg []byte, least, most uint32) {
		var m Message
		if !m.Parse(msg) {
			return
		}
		sameRecords(t, &m)
		checkChain(t, &m)
		if e, ok := OPT(msg); ok != m.EDNS.Present || !sameEDNS(&e, &m.EDNS) {
			t.Errorf("OPT = %+v, %v, want %+v", e, ok, m.EDNS)
		}
		checkReplies(t, msg, TTLPolicy{Min: least, Max: most})
	})
}

// checkChain follows m's answers by miekg/dns's names.
func checkChain(t *testing.T, m *Message) {
	t.Helper()
	u := new(dns.Msg)
	if u.Unpack(m.Msg) != nil {
		return
	}
	q := u.Question[0]
	name := dns.CanonicalName(q.Name)
	hops, data := 0, false
	for _, rr := range u.Answer {
		c, alias := rr.(*dns.CNAME)
		switch {
		case dns.CanonicalName(rr.Header().Name) != name:
		case q.Qtype == dns.TypeANY || rr.Header().Rrtype == q.Qtype:
			data = true
		case alias && !data:
			name, hops = dns.CanonicalName(c.Target), hops+1
		}
	}
	c := m.Chain(nil)
	final, _, err := dns.UnpackDomainName(AppendName(nil, m.Msg, c.Final), 0)
	if err != nil || final != name || c.Hops != hops || c.Data != data {
		t.Errorf("Chain = %s, %+v, want %s, %d hops, data %v", final, c, name, hops, data)
	}
}

// A question is the same as another if miekg/dns says so, from both sides.
func FuzzSameQuestion(f *testing.F) {
	f.Add(questionOf("www.example", TypeA), questionOf("WWW.EXAMPLE", TypeA))
	f.Add(questionOf("", TypeNS), questionOf("a", TypeNS))
	f.Add(questionOf("a.b", TypeA), questionOf("aAb", TypeA))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if !isQuestion(a) || !isQuestion(b) {
			return
		}
		want := sameByMiekg(a, b)
		if got := SameQuestion(response(a), b); got != want {
			t.Errorf("SameQuestion(%x, %x) = %v, want %v", a, b, got, want)
		}
		if got := SameQuestion(response(b), a); got != want {
			t.Errorf("SameQuestion(%x, %x) = %v, want %v", b, a, got, want)
		}
		if !SameQuestion(response(swapCase(a)), a) {
			t.Errorf("SameQuestion(%x, its other case) = false, want true", a)
		}
	})
}

func isQuestion(b []byte) bool {
	end := plainName(b, 0)
	return end != 0 && len(b) == end+4
}

// Lower case made eight at a time is lower case made one at a time.
func FuzzAppendLower(f *testing.F) {
	f.Add([]byte("MyService.AWSlab.Internal"))
	f.Fuzz(func(t *testing.T, src []byte) {
		want := make([]byte, len(src))
		for i, c := range src {
			want[i] = lowerOf(c)
		}
		if got := AppendLower(nil, src); !bytes.Equal(got, want) {
			t.Errorf("AppendLower(%x) = %x, want %x", src, got, want)
		}
		if !equalFold(src, want) {
			t.Errorf("equalFold(%x, %x) = false, want true", src, want)
		}
	})
}

// No cookie is good but one that was made for this address, secret and hour.
func FuzzGoodCookie(f *testing.F) {
	for _, v := range cookieVectors {
		f.Add(unhex(f, v.cookie), []byte(v.addr), v.now)
	}
	f.Fuzz(checkCookie)
}
