package forwarder

import (
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/counts"
	"vpcdns/forwarder/wire"
)

// rejected is a query that gets no data.
type rejected struct {
	name  string
	why   reason
	edit  func(*config.Config) // of testConfig
	ask   func(m *dns.Msg)     // changes www.example. A with a cookie
	more  byte                 // additional records that the header promises and that are not there
	chaos bool                 // class CH, where nobody may recurse
}

func setCookie(m *dns.Msg, cookie string) {
	m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: cookie}}
}

func setClass(class, qtype uint16) func(*dns.Msg) {
	return func(m *dns.Msg) { m.Question[0].Qclass, m.Question[0].Qtype = class, qtype }
}

func setOpcode(op int, qtype uint16) func(*dns.Msg) {
	return func(m *dns.Msg) { m.Opcode, m.Question[0].Qtype = op, qtype }
}

// addLocalZone makes www.example a zone that is served here.
func addLocalZone(c *config.Config) {
	c.Local = []config.LocalZone{{Name: "www.example.", Records: []dns.RR{
		&dns.SOA{Hdr: header("www.example.", dns.TypeSOA, 60), Ns: ".", Mbox: "."},
	}}}
}

// emptySIG0 is a SIG(0) that signs nothing.
func emptySIG0() dns.RR {
	h := dns.RR_Header{Name: ".", Rrtype: dns.TypeSIG, Class: dns.ClassANY}
	return &dns.SIG{RRSIG: dns.RRSIG{Hdr: h, SignerName: "key.", Signature: "AAAA"}}
}

// rejectedQueries lead to each reason but shuttingDown, which no query leads to by
// itself. ours is a cookie that the server sends upstream.
func rejectedQueries(ours string) []rejected {
	cookie := func(text string) func(*dns.Msg) {
		return func(m *dns.Msg) { setCookie(m, text) }
	}
	return []rejected{
		{name: "our own query", why: forwardingLoop, ask: cookie(ours)}, // first: another upstream has other cookies
		{name: "two questions", why: badHeader, ask: func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }},
		{name: "no question", why: badClass, ask: func(m *dns.Msg) { m.Question, m.IsEdns0().Option = nil, nil }},
		{name: "no question but a record", why: noQuestion, ask: func(m *dns.Msg) { m.Question, m.Ns = nil, []dns.RR{address(".", 0, "10.0.0.1")} }},
		{name: "half a cookie", why: badOption, ask: cookie(clientCookie[:8])},
		{name: "cookie alone", why: cookieOnly, ask: func(m *dns.Msg) { m.Question = nil }},
		{name: "a record is missing", why: badRecord, more: 1},
		{name: "SIG(0) as authority", why: badSIG0, ask: func(m *dns.Msg) { m.Ns = []dns.RR{emptySIG0()} }},
		{name: "EDNS version 1", why: badVersion, ask: func(m *dns.Msg) { m.IsEdns0().SetVersion(1) }},
		{name: "opcode STATUS", why: badOpcode, ask: setOpcode(dns.OpcodeStatus, dns.TypeA)},
		{name: "TSIG", why: badSignature, ask: func(m *dns.Msg) { m.SetTsig("key.", dns.HmacSHA256, 300, 0) }},
		{name: "NOTIFY for an address", why: badZone, ask: setOpcode(dns.OpcodeNotify, dns.TypeA)},
		{name: "UPDATE without zone", why: badZone, ask: func(m *dns.Msg) {
			m.Opcode, m.Question, m.Ns = dns.OpcodeUpdate, nil, []dns.RR{address(".", 0, "10.0.0.1")}
		}},
		{name: "NOTIFY", why: notForUs, ask: setOpcode(dns.OpcodeNotify, dns.TypeSOA)},
		{name: "NOTIFY for a zone here", why: notified, edit: addLocalZone, ask: setOpcode(dns.OpcodeNotify, dns.TypeSOA)},
		{name: "UPDATE of a zone here", why: noUpdate, edit: addLocalZone, ask: setOpcode(dns.OpcodeUpdate, dns.TypeSOA)},
		{name: "signed UPDATE of a zone here", why: notForUs, edit: addLocalZone, ask: func(m *dns.Msg) {
			setOpcode(dns.OpcodeUpdate, dns.TypeSOA)(m)
			m.SetTsig("key.", dns.HmacSHA256, 300, 0)
		}},
		{name: "NOTIFY of class CH", why: badOpcode, ask: func(m *dns.Msg) {
			setClass(dns.ClassCHAOS, dns.TypeSOA)(m)
			m.Opcode = dns.OpcodeNotify
		}},
		{name: "class ANY", why: badClass, ask: setClass(dns.ClassANY, dns.TypeA)},
		{name: "class NONE", why: badClass, ask: setClass(dns.ClassNONE, dns.TypeA)},
		{name: "TKEY of class ANY", why: badType, ask: setClass(dns.ClassANY, dns.TypeTKEY)},
		{name: "class HS", why: noView, ask: setClass(dns.ClassHESIOD, dns.TypeA)},
		{name: "STATUS of class HS", why: noViewOpcode, ask: func(m *dns.Msg) { m.Opcode, m.Question[0].Qclass = dns.OpcodeStatus, dns.ClassHESIOD }},
		{name: "class CSNET", why: noClass, ask: setClass(dns.ClassCSNET, dns.TypeA)},
		{name: "type OPT", why: badType, ask: setClass(dns.ClassINET, dns.TypeOPT)},
		{name: "a meta type", why: badType, ask: setClass(dns.ClassINET, 200)},
		{name: "all forwarders are bogus", why: barred, edit: func(c *config.Config) {
			c.Servers = []config.Server{{Prefix: netip.MustParsePrefix("0.0.0.0/0"), Bogus: true}}
		}},
		{name: "MAILB", why: noMailA, ask: setClass(dns.ClassINET, dns.TypeMAILB)},
		{name: "AXFR", why: noTransfer, ask: setClass(dns.ClassINET, dns.TypeAXFR)},
		{name: "AXFR in CH", why: noTransfer, chaos: true, ask: setClass(dns.ClassCHAOS, dns.TypeAXFR)},
		{name: "no zone in CH", why: noChaosZone, ask: setClass(dns.ClassCHAOS, dns.TypeTXT)},
		{name: "require-server-cookie", why: badCookie,
			edit: func(c *config.Config) { c.EDNS.RequireServerCookie = true }},
		{name: "allow-query-cache", why: cacheProhibited, edit: func(c *config.Config) { c.AllowCache = acl.None() }},
		{name: "allow-recursion", why: recursionProhibited, edit: func(c *config.Config) { c.AllowRecurse = acl.None() }},
		{name: "allow-query in CH", why: queryProhibited, chaos: true,
			edit: func(c *config.Config) { c.AllowQuery = acl.None() },
			ask: func(m *dns.Msg) {
				m.Question[0] = dns.Question{Name: "version.bind.", Qtype: dns.TypeTXT, Qclass: dns.ClassCHAOS}
			}},
		{name: "allow-query of a zone", why: zoneProhibited, edit: func(c *config.Config) {
			soa := &dns.SOA{Hdr: header("www.example.", dns.TypeSOA, 60), Ns: ".", Mbox: "."}
			c.Local = []config.LocalZone{{Name: "www.example.", AllowQuery: acl.None(), Records: []dns.RR{soa}}}
		}},
		{name: "no forwarders", why: noForwarders, edit: func(c *config.Config) { c.Zones[0].Forwarders = nil }},
		{name: "RD is 0", why: noRecursion, ask: func(m *dns.Msg) { m.RecursionDesired = false }},
	}
}

// Each reason is what some query leads to, and each has a row of the table.
func TestRejections(t *testing.T) {
	virtual(t, testConfig(), func(t *testing.T, r *replay) {
		r.net.ask(testClient, testServer, false, queryFor(1, "hold.example.", dns.TypeA))
		synctest.Wait()
		ours := cookieOf(unpacked(t, r.net.take(netip.Addr{}).msg))[:2*8]
		seen := map[reason]bool{shuttingDown: true}
		for _, test := range rejectedQueries(ours) {
			seen[test.why] = true
			cfg := testConfig()
			if test.edit != nil {
				test.edit(cfg)
			}
			if err := r.s.Reload(cfg); err != nil {
				t.Fatal(err)
			}
			checkRejection(t, r.s, test)
		}
		r.s.draining.Store(true)
		if err := r.s.Reload(testConfig()); err != nil {
			t.Fatal(err)
		}
		checkRejection(t, r.s, rejected{name: "shutting down", why: shuttingDown})
		for why := range rejections {
			if row := rejections[why]; !seen[reason(why)] || row == (rejection{}) && reason(why) != cookieOnly {
				t.Errorf("reason %d: some query leads to it = %v, its row is %+v, want true and one", why, seen[reason(why)], row)
			}
		}
	})
}

// cookieOf returns the cookies in a message, or "".
func cookieOf(m *dns.Msg) string {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if c, ok := o.(*dns.EDNS0_COOKIE); ok {
				return c.Cookie
			}
		}
	}
	return ""
}

// checkRejection checks that the reply is the one of the reason's row.
func checkRejection(t *testing.T, s *Server, test rejected) {
	t.Helper()
	m := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	m.SetEdns0(1232, false)
	setCookie(m, clientCookie)
	if test.ask != nil {
		test.ask(m)
	}
	msg := packed(m)
	msg[11] += test.more
	reply, what := s.newAsker().ask(msg, testAsker(false))
	if what != replied {
		t.Errorf("%s: serve = %v, want replied", test.name, what)
		return
	}
	got, row := unpacked(t, reply), rejections[test.why]
	if got.Rcode != row.rcode {
		t.Errorf("%s: rcode = %s, want %s", test.name, counts.RcodeName(got.Rcode), counts.RcodeName(row.rcode))
	}
	if header := len(reply) == wire.HeaderLen; header != row.header || (got.IsEdns0() != nil) == (row.header || row.noOPT) {
		t.Errorf("%s: reply =\n%v\nwant a header alone: %v, no OPT: %v", test.name, got, row.header, row.noOPT)
	}
	wantCookie := cookieOf(m) != "" && !row.header && !row.noOPT && !row.noOptions && test.why != badOption
	if hasCookie := cookieOf(got) != ""; hasCookie != wantCookie {
		t.Errorf("%s: reply has a cookie: %v, want %v", test.name, hasCookie, wantCookie)
	}
	if want := row.ra && !test.chaos; got.RecursionAvailable != want && !test.why.prohibited() {
		t.Errorf("%s: RA = %v, want %v", test.name, got.RecursionAvailable, want)
	}
	if got.Authoritative != row.aa {
		t.Errorf("%s: AA = %v, want %v", test.name, got.Authoritative, row.aa)
	}
	if e := errorOf(got); e != row.ede {
		t.Errorf("%s: extended error = %+v, want %+v", test.name, e, row.ede)
	}
}

// errorOf returns the extended error of a reply.
func errorOf(m *dns.Msg) (e ede) {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if o, ok := o.(*dns.EDNS0_EDE); ok {
				e = ede{o.InfoCode, o.ExtraText}
			}
		}
	}
	return e
}

// A reply has its query's opcode, whatever else is wrong.
func TestSignedOtherOpcode(t *testing.T) {
	const dso = 6
	m := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	m.Opcode = dso
	m.SetTsig("key.", dns.HmacSHA256, 300, 0)
	reply, _ := unserved(t).newAsker().ask(packed(m), testAsker(false))
	if got := unpacked(t, reply); got.Opcode != dso || got.Rcode != dns.RcodeNotAuth || len(got.Question) > 0 {
		t.Errorf("reply = opcode %d, %s, %d questions, want %d, NOTAUTH, 0", got.Opcode, dns.RcodeToString[got.Rcode], len(got.Question), dso)
	}
}

// What is no query gets no reply where that would be answered again.
func TestPortsThatAnswerAnything(t *testing.T) {
	s := unserved(t)
	sound := hits()[0].query
	garbage := []byte("!\"#$%&'()*+,-./0123456789")
	tests := []struct {
		name string
		port uint16
		tcp  bool
		msg  []byte
		want outcome
	}{
		{name: "echo", port: 7, msg: garbage, want: dropped},
		{name: "chargen", port: 19, msg: garbage, want: dropped},
		{name: "kpasswd", port: 464, msg: garbage, want: dropped},
		{name: "chargen over TCP", port: 19, tcp: true, msg: garbage, want: replied},
		{name: "DNS", port: 53, msg: garbage, want: replied},
		{name: "query from chargen", port: 19, msg: sound, want: replied},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := testAsker(tt.tcp)
			c.addr = netip.AddrPortFrom(testClient.Addr(), tt.port)
			if reply, what := s.newAsker().ask(tt.msg, c); what != tt.want || (len(reply) > 0) != (what == replied) {
				t.Errorf("serve(%q) = %x, %v, want %v", tt.msg, reply, what, tt.want)
			}
		})
	}
}
