package forwarder

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// FuzzServe holds replies to what every reply must be: with the query's ID,
// opcode and question, as long as the client takes, and readable.
func FuzzServe(f *testing.F) {
	for _, e := range hits() {
		f.Add(e.query, e.tcp)
	}
	for _, q := range []dns.Question{{Name: "version.bind.", Qtype: dns.TypeTXT, Qclass: dns.ClassCHAOS}, {Name: ".", Qtype: dns.TypeANY, Qclass: dns.ClassINET}} {
		msg, _ := (&dns.Msg{Question: []dns.Question{q}}).Pack()
		f.Add(msg, false)
	}
	for _, msg := range newMutator(f, 0).seeds {
		f.Add(msg, true)
	}
	s := unserved(f)
	s.draining.Store(true) // what is not in the cache fails
	f.Fuzz(func(t *testing.T, msg []byte, tcp bool) {
		a := s.newAsker()
		a.begin()
		a.q.client = testAsker(tcp)
		const before = "what was there before"
		reply, what := a.serve([]byte(before), slices.Clone(msg), &a.q)
		if !strings.HasPrefix(string(reply), before) {
			t.Fatalf("serve changed what stands before the reply: %q", reply)
		}
		if reply = reply[len(before):]; what != replied {
			if what == waiting || len(reply) > 0 {
				t.Fatalf("serve = %x, %v, want no reply and dropped", reply, what)
			}
			return
		}
		checkReply(t, msg, reply, tcp)
	})
}

// FuzzAnswer hands the server an answer of upstream and checks what a client
// gets: nothing that upstream did not say, no TTL above what it said, and from
// the cache the same as at first.
func FuzzAnswer(f *testing.F) {
	for _, text := range []string{
		"www.example. 60 IN A 10.0.0.1\nwww.example. 50 IN A 10.0.0.2",
		"www.example. 60 IN CNAME web.example.\nweb.example. 10 IN A 10.0.0.1\nweb.example. 10 IN A 10.0.0.2",
		"other.example. 60 IN A 10.0.0.1\nwww.example. 60 IN CNAME web.example.\nweb.example. 10 IN A 10.0.0.1",
		"www.example. 60 IN CNAME www.example.",
		"authority example. 60 IN SOA ns.example. admin.example. 1 2 3 4 5",
		"www.example. 0 IN A 10.0.0.1\nauthority example. 60 IN NS ns.example.\nadditional ns.example. 60 IN A 10.0.0.1",
	} {
		records, err := parseSections(strings.Split(text, "\n"))
		if err != nil {
			f.Fatal(err)
		}
		m := new(dns.Msg)
		m.SetQuestion("www.example.", dns.TypeA)
		m.Response, m.Compress = true, true
		m.Answer, m.Ns, m.Extra = records.answer, records.authority, records.additional
		m.SetEdns0(1232, true)
		msg, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(msg)
	}
	s := unserved(f)
	f.Fuzz(func(t *testing.T, msg []byte) {
		query := hits()[1].query
		said := new(dns.Msg)
		if !wire.SameQuestion(msg, query[wire.HeaderLen:][:17]) || said.Unpack(msg) != nil ||
			said.Rcode != dns.RcodeSuccess && said.Rcode != dns.RcodeNameError {
			t.Skip("upstream.Client does not deliver it, or the test cannot read it")
		}
		first, kept := s.learn(t, query, slices.Clone(msg))
		if first == nil {
			return // the end of its chain is asked for
		}
		checkReply(t, query, first, false)
		got := unpacked(t, first)
		checkSaid(t, got, said)
		if kept == nil {
			return
		}
		checkReply(t, query, kept, false)
		if again := unpacked(t, kept); got.Rcode != again.Rcode || !slices.Equal(allLines(got), allLines(again)) {
			t.Fatalf("from the cache:\n%v\nat first:\n%v", again, got)
		}
	})
}

// checkSaid holds a reply to what upstream said.
func checkSaid(t *testing.T, got, said *dns.Msg) {
	t.Helper()
	most := uint32(0)
	for _, rr := range slices.Concat(said.Answer, said.Ns, said.Extra) {
		if rr.Header().Rrtype != dns.TypeOPT {
			most = max(most, rr.Header().Ttl)
		}
	}
	for _, rr := range slices.Concat(got.Answer, got.Ns, got.Extra) {
		if rr.Header().Rrtype != dns.TypeOPT && rr.Header().Ttl > most {
			t.Fatalf("TTL of %v is above all that upstream said (%d)", rr, most)
		}
	}
	known := allLines(said)
	for _, line := range allLines(got) {
		if !slices.Contains(known, line) {
			t.Fatalf("reply has %q, upstream said\n%s", line, strings.Join(known, "\n"))
		}
	}
}
