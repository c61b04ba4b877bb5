package forwarder

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// FuzzServe holds replies to what every reply must be: with the query's ID,
// opcode and question, as long as the client takes, and readable.
func FuzzServe(f *testing.F) {
	for _, e := range hits(f) {
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

// checkReply holds a reply to its query.
func checkReply(t *testing.T, query, reply []byte, tcp bool) {
	t.Helper()
	checkHead(t, query, reply, tcp)
	m := new(dns.Msg)
	if err := m.Unpack(reply); err != nil {
		t.Fatalf("reply %x to %x: %v", reply, query, err)
	}
	var q wire.Query
	q.Parse(query)
	if m.AuthenticatedData || m.Zero || m.IsEdns0() != nil && !q.EDNS.Present {
		t.Fatalf("reply to %x has AD, Z, or an OPT that nobody wanted:\n%v", query, m)
	}
}

// checkHead holds the length of a reply and what stands before its records to
// its query.
func checkHead(t *testing.T, query, reply []byte, tcp bool) {
	t.Helper()
	const opcode = 0x78
	var q wire.Query
	q.Parse(query)
	switch most := mostOf(&q, tcp); {
	case len(reply) < wire.HeaderLen || !bytes.Equal(reply[:2], query[:2]):
		t.Fatalf("reply %x to %x: too short, or another ID", reply, query)
	case reply[2]&0x80 == 0 || reply[2]&opcode != query[2]&opcode:
		t.Fatalf("reply %x to %x: no response, or another opcode", reply, query)
	case len(reply) > most:
		t.Fatalf("reply to %x has %d octets, want %d at most", query, len(reply), most)
	}
	if n := int(reply[4])<<8 | int(reply[5]); n > 1 || n == 1 && !bytes.HasPrefix(reply[wire.HeaderLen:], q.Question) {
		t.Fatalf("reply %x to %x: another question", reply, query)
	}
}

// mostOf is what a client takes.
func mostOf(q *wire.Query, tcp bool) int {
	const most = 1232
	switch {
	case tcp:
		return dns.MaxMsgSize
	case q.EDNS.Present:
		return max(dns.MinMsgSize, min(int(q.EDNS.UDPSize), most))
	}
	return dns.MinMsgSize
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
		query := hits(t)[1].query
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

// learn gives the server upstream's answer to a query, and returns the reply
// to it, and the one to the same query after that; nil for those that wait.
func (s *Server) learn(t *testing.T, query, msg []byte) (first, kept []byte) {
	t.Helper()
	s.Flush()
	mem := newMemConn(testServer)
	r, f := s.fetchOf(t, query, mem)
	r.Answer(&f.req, msg, nil)
	r.Flush()
	sent := mem.sentSoFar()
	if len(sent) == 0 {
		return nil, nil
	}
	if kept, what := s.newAsker().ask(query, testAsker(false)); what == replied {
		return sent[0].Data, kept
	}
	return sent[0].Data, nil
}

func unpacked(t *testing.T, msg []byte) *dns.Msg {
	t.Helper()
	m := new(dns.Msg)
	if err := m.Unpack(msg); err != nil {
		t.Fatalf("Unpack(%x) = %v", msg, err)
	}
	return m
}

// allLines are the records but their TTLs, sorted.
func allLines(m *dns.Msg) []string {
	list := []string{}
	for _, rr := range slices.Concat(m.Answer, m.Ns, m.Extra) {
		if rr.Header().Rrtype == dns.TypeOPT {
			continue
		}
		rr = dns.Copy(rr)
		rr.Header().Ttl = 0
		rr.Header().Rdlength = 0
		list = append(list, strings.ToLower(rr.String()))
	}
	slices.Sort(list)
	return list
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
