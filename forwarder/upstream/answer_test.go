package upstream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"vpcdns/forwarder/wire"
)

// header is the header of q as an answer with rcode and nothing else.
func header(q []byte, rcode int) []byte {
	return wire.AppendHeader(nil, wire.ID(q), wire.QR|uint16(rcode), 0, 0, 0, 0)
}

func hasOPT(q []byte) bool { return q[11] > 0 }

func TestServerWithoutEDNS(t *testing.T) {
	type refusal = func(q []byte) []byte
	for name, tc := range map[string]struct {
		refusal
		learnt int // after so many names; 0 is never
	}{
		"FORMERR": {func(q []byte) []byte {
			m := reply(q, wire.FormErr)
			m[11] = 0
			return m[:wire.HeaderLen+len(questionOf(q))]
		}, plainAfter},
		"bare FORMERR": {func(q []byte) []byte { return header(q, wire.FormErr) }, plainAfter},
		"BADVERS":      {func(q []byte) []byte { return reply(q, wire.BadVers) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				refused := 0
				n.hosts[serverA].udp = func(_ *fakeSocket, q []byte) [][]byte {
					if hasOPT(q) {
						refused++
						return [][]byte{tc.refusal(q)}
					}
					return [][]byte{reply(q, 0)}
				}
				a := newAsker(t, n)
				for i := range 10 {
					if res := a.ask(fmt.Sprint(i)); res.err != nil || res.took > 50*time.Millisecond {
						t.Errorf("Answer = %v after %v, want one without EDNS", res.err, res.took)
					}
				}
				want := tc.learnt
				if want == 0 {
					want = 10
				}
				a.ask("0")                              // the name is known
				if refused < want || refused > want+2 { // names may share a place
					t.Errorf("asked with EDNS %d times for ten names, want %d", refused, want)
				}
				time.Sleep(plainFor)
				a.ask("later")
				if refused < want+1 || refused > want+3 {
					t.Errorf("asked with EDNS %d times after %v, want %d", refused, plainFor, want+1)
				}
				if n := a.Stats().Servers[0].NoEDNS; n != uint64(refused) {
					t.Errorf("counted %d that want no EDNS, want %d", n, refused)
				}
				a.finish()
			})
		})
	}
}

func TestQueryFields(t *testing.T) {
	for _, tc := range []struct {
		name   string
		server Server
		edit   func(*Request)
		want   func(q []byte, e wire.EDNS) bool
	}{
		{"defaults", Server{}, func(*Request) {}, func(q []byte, e wire.EDNS) bool {
			return wire.Flags(q) == wire.RD && e.UDPSize == 1232 && !e.DO && len(e.Cookie) == 8
		}},
		{"DO and CD", Server{}, func(r *Request) { r.DO, r.CD = true, true }, func(q []byte, e wire.EDNS) bool {
			return wire.Flags(q) == wire.RD|wire.CD && e.DO
		}},
		{"size", Server{UDPSize: 4096}, func(*Request) {}, func(q []byte, e wire.EDNS) bool { return e.UDPSize == 4096 }},
		{"no cookie", Server{NoCookie: true}, func(*Request) {}, func(q []byte, e wire.EDNS) bool {
			return e.Present && e.Cookie == nil
		}},
		{"no EDNS", Server{NoEDNS: true}, func(*Request) {}, func(q []byte, e wire.EDNS) bool { return !e.Present }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				var query []byte
				n.hosts[serverA].udp = func(_ *fakeSocket, q []byte) [][]byte {
					query = q
					return [][]byte{reply(q, 0)}
				}
				tc.server.Addr = serverA
				a := newAsker(t, n, func(c *Config) { c.Servers = []Server{tc.server} })
				a.ask("MiXed", tc.edit)
				edns, _ := wire.OPT(query)
				if !tc.want(query, edns) || !slices.Equal(questionOf(query), question("MiXed")) {
					t.Errorf("query = %x", query)
				}
				a.finish()
			})
		})
	}
}

func TestTruncated(t *testing.T) {
	for _, tc := range []struct {
		name string
		edit func(h *host)
		want error
		took time.Duration
	}{
		{name: "TC", edit: func(h *host) {}, took: 10 * time.Millisecond},
		{name: "longer than offered", edit: func(h *host) {
			h.udp = func(_ *fakeSocket, q []byte) [][]byte { return [][]byte{append(reply(q, 0), make([]byte, 2000)...)} }
		}, took: 10 * time.Millisecond},
		{name: "no TCP", edit: func(h *host) { h.tcp = false }, want: ErrNetwork, took: 100 * time.Millisecond},
		{name: "silent TCP", edit: func(h *host) { h.tcpMute = true }, want: ErrTimeout, took: 4502 * time.Millisecond},
		{name: "TCP closes", edit: func(h *host) {
			h.hangUp = 1
			h.stream = func(q []byte) [][]byte { return [][]byte{{}} } // garbage, then the end
		}, want: ErrNetwork, took: 100 * time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				h := n.hosts[serverA]
				h.udp = func(_ *fakeSocket, q []byte) [][]byte { return [][]byte{truncated(q)} }
				tc.edit(h)
				a := newAsker(t, n)
				res := a.ask("a")
				if !errors.Is(res.err, tc.want) || res.took > tc.took {
					t.Errorf("Answer = %v after %v, want %v within %v", res.err, res.took, tc.want, tc.took)
				}
				if res.err == nil && wire.Truncated(res.msg) {
					t.Error("the truncated answer was delivered")
				}
				if n.count() > 10 || n.conns > 10 {
					t.Errorf("%d packets, %d connections", n.count(), n.conns)
				}
				a.finish()
			})
		})
	}
}

func TestTruncatedGoesToNextServerWhenTCPFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA, serverB)
		h := n.hosts[serverA]
		h.udp = func(_ *fakeSocket, q []byte) [][]byte { return [][]byte{truncated(q)} }
		h.tcp = false
		a := newAsker(t, n)
		for i := range 5 {
			if res := a.ask(fmt.Sprint(i)); res.err != nil || res.took > 100*time.Millisecond {
				t.Errorf("Answer = %v after %v, want the other server's", res.err, res.took)
			}
		}
		a.finish()
	})
}

// cookieServer answers with cookies as long as its switches say.
type cookieServer struct {
	off, bad bool
	full     int // queries with its cookie
	asked    int
	stubborn bool // says BADCOOKIE to every query over UDP
}

var serverCookie = []byte("serverCK")

func (s *cookieServer) answer(_ *fakeSocket, q []byte) [][]byte {
	s.asked++
	edns, _ := wire.OPT(q)
	if s.off || edns.Cookie == nil {
		return [][]byte{reply(q, 0)}
	}
	whole := append(slices.Clone(edns.Cookie[:8]), serverCookie...)
	good := slices.Equal(edns.Cookie, whole)
	if good {
		s.full++
	}
	if s.stubborn || s.bad && !good {
		return [][]byte{reply(q, wire.BadCookie, whole...)}
	}
	return [][]byte{reply(q, 0, whole...)}
}

func TestCookies(t *testing.T) {
	for _, tc := range []struct {
		name        string
		edit        func(*cookieServer)
		asked, full int // after three requests
		conns       int
	}{
		{name: "learned", edit: func(s *cookieServer) {}, asked: 3, full: 2},
		{name: "required", edit: func(s *cookieServer) { s.bad = true }, asked: 4, full: 3},
		{name: "never good enough", edit: func(s *cookieServer) { s.stubborn = true }, asked: 4, full: 1, conns: 1},
		{name: "ignored", edit: func(s *cookieServer) { s.off = true }, asked: 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				var s cookieServer
				tc.edit(&s)
				n.hosts[serverA].udp = s.answer
				a := newAsker(t, n)
				for i := range 3 {
					if res := a.ask(fmt.Sprint(i)); res.err != nil || res.took > 20*time.Millisecond {
						t.Errorf("Answer = %v after %v", res.err, res.took)
					}
				}
				if s.asked != tc.asked || s.full != tc.full || n.conns != tc.conns {
					t.Errorf("asked %d times, %d with its cookie, %d connections, want %d, %d, %d",
						s.asked, s.full, n.conns, tc.asked, tc.full, tc.conns)
				}
				a.finish()
			})
		})
	}
}

// TestCookiesWrong: a server that stops sending our cookies is asked over TCP, and
// if they are wrong there too it is sent none for a while. It never costs an answer.
func TestCookiesWrong(t *testing.T) {
	other := []byte("otherclisrvcooki")
	for _, tc := range []struct {
		name string
		tcp  bool
		udp  func(q []byte) []byte // to queries with a cookie
	}{
		{"dropped", true, func(q []byte) []byte { return reply(q, 0) }},
		{"another's", true, func(q []byte) []byte { return reply(q, 0, other...) }},
		{"BADCOOKIE for ever", true, func(q []byte) []byte { return reply(q, wire.BadCookie, other...) }},
		{"dropped, no TCP", false, func(q []byte) []byte { return reply(q, 0) }},
		{"another's, no TCP", false, func(q []byte) []byte { return reply(q, 0, other...) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				var s cookieServer
				h := n.hosts[serverA]
				h.udp, h.tcp = s.answer, tc.tcp
				a := newAsker(t, n)
				a.ask("with")
				odd := func(q []byte) [][]byte {
					if edns, _ := wire.OPT(q); edns.Cookie != nil {
						return [][]byte{tc.udp(q)}
					}
					return [][]byte{reply(q, 0)}
				}
				n.change(func() { h.udp, h.stream, n.sent = func(_ *fakeSocket, q []byte) [][]byte { return odd(q) }, odd, nil })
				for i := range 5 {
					if res := a.ask(fmt.Sprint(i)); res.err != nil || res.took > 50*time.Millisecond {
						t.Errorf("Answer = %v after %v", res.err, res.took)
					}
				}
				if n.count() > 7 || n.conns > 1 {
					t.Errorf("%d datagrams and %d connections for 5 requests, want 7 and 1 at most", n.count(), n.conns)
				}
				if len(a.ev) != 1 || a.ev[0].Kind != CookiesOff {
					t.Errorf("events = %v, want that cookies are off", a.ev)
				}
				a.finish()
			})
		})
	}
}

// TestCookiesForged: an answer with a wrong cookie, or without one, is not taken
// when the server's own, over TCP, has ours.
func TestCookiesForged(t *testing.T) {
	for _, cookie := range [][]byte{nil, []byte("otherclisrvcooki")} {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork(serverA)
			var s cookieServer
			h := n.hosts[serverA]
			h.udp = s.answer
			h.stream = func(q []byte) [][]byte { return s.answer(nil, q) }
			a := newAsker(t, n)
			a.ask("with")
			n.change(func() {
				h.udp = func(_ *fakeSocket, q []byte) [][]byte {
					m := reply(q, 0, cookie...)
					m[bytes.Index(m, address)] ^= 1
					return [][]byte{m, m}
				}
			})
			for i := range 5 {
				if res := a.ask(fmt.Sprint(i)); res.err != nil || !bytes.Contains(res.msg, address) {
					t.Errorf("Answer = %x, %v, want that which came over TCP", res.msg, res.err)
				}
			}
			if len(a.ev) > 0 {
				t.Errorf("events = %v, want none: cookies are as they should be", a.ev)
			}
			a.finish()
		})
	}
}

func TestTCPOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		a := newAsker(t, n, func(c *Config) { c.Servers[0].TCPOnly = true })
		a.stream("n", 300, 1000)
		time.Sleep(streamIdle - time.Second)
		a.ask("kept")
		if n.conns != 1 || n.count() != 0 {
			t.Errorf("%d connections, %d datagrams, want 1, 0", n.conns, n.count())
		}
		time.Sleep(streamIdle + time.Second)
		if s := a.Stats(); s.Streams != 0 {
			t.Errorf("%d connections open when idle, want 0", s.Streams)
		}
		a.ask("new")
		if n.conns != 2 {
			t.Errorf("%d connections made, want 2", n.conns)
		}
		if _, failed := a.finish(); failed > 0 {
			t.Errorf("%d requests failed", failed)
		}
	})
}

// TestPipelining: answers come in any order, and the server hangs up now and
// then.
func TestPipelining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		h := n.hosts[serverA]
		var held [][]byte
		h.stream = func(q []byte) [][]byte {
			if held = append(held, reply(q, 0)); len(held) < 3 {
				return nil
			}
			out := held
			held = nil
			slices.Reverse(out)
			return out
		}
		h.hangUp = 9
		a := newAsker(t, n, func(c *Config) { c.Servers[0].TCPOnly = true })
		a.stream("n", 300, 1000)
		took, failed := a.finish()
		if last := took[len(took)-1]; failed > 0 || last > 3*time.Second {
			t.Errorf("%d failed, longest %v", failed, last)
		}
	})
}

func TestTCPOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		h := n.hosts[serverA]
		a := newAsker(t, n, func(c *Config) { c.Servers[0].TCPOnly = true })
		a.stream("n", 50, 100)
		n.change(func() { h.refusing, h.dead = true, true })
		before := n.conns
		a.stream("dead", 1000, 100)
		n.change(func() { h.refusing, h.dead = false, false })
		back := time.Now()
		a.stream("back", 100, 100)
		a.finish()
		for _, res := range a.ends {
			if res.err == nil && res.at.Before(back) {
				continue
			}
			if late := res.at.Sub(back); res.err != nil && late > 2*time.Second {
				t.Errorf("failed %v after the return: %v", late, res.err)
			}
		}
		t.Logf("%d connections", n.conns-before)
	})
}

// FuzzAnswer: whatever comes in, only an answer with the ID and the question
// ends a request well, and it is delivered as it is.
func FuzzAnswer(f *testing.F) {
	q := wire.AppendQuery(nil, wire.QueryOptions{ID: 7, Question: question("a"), EDNS: true})
	for _, m := range [][]byte{
		reply(q, 0), reply(q, wire.NXDomain), reply(q, wire.ServFail), reply(q, wire.BadCookie),
		reply(q, wire.BadVers), truncated(q), header(q, wire.FormErr), q, nil,
		reply(q, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16),
	} {
		f.Add(m, true)
		f.Add(m, false)
	}
	f.Fuzz(func(t *testing.T, m []byte, sameID bool) {
		c, err := New(Config{
			Servers: []Server{{Addr: serverA}},
			Dial:    newNetwork(serverA).dial, DialTCP: newNetwork(serverA).dialTCP,
			NewHandler: func() Handler { return ignore{} },
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		r := &Request{Question: question("a"), Servers: c.cfg.servers()}
		c.enter()
		c.begin(r)
		try := r.tries
		if sameID && len(m) >= 2 {
			binary.BigEndian.PutUint16(m, try.id)
		}
		id := try.id
		c.datagram(try.table.owner.(*socket), m, false)
		for _, d := range c.ended {
			if d.err != nil {
				continue
			}
			rcode := wire.Rcode(d.msg)
			if wire.ID(d.msg) != id || !wire.SameQuestion(d.msg, r.Question) || wire.Truncated(d.msg) ||
				rcode != wire.NoError && rcode != wire.NXDomain && rcode != wire.YXDomain {
				t.Errorf("Answer = %x, which answers something else", d.msg)
			}
		}
		c.leave(nil)
	})
}

// ignore is a Handler that drops all.
type ignore struct{}

func (ignore) Answer(*Request, []byte, error) {}
func (ignore) Flush()                         {}

// TestCopies: an answer that was acted upon is not acted upon again, whatever it
// was, and neither are those to other tries of its request that say the same.
func TestCopies(t *testing.T) {
	const copies = 1000
	for _, tc := range []struct {
		name            string
		first           func(q []byte) []byte // what a query with EDNS gets over UDP
		packets, stream int
	}{
		{"TC", truncated, 1, 1},
		{"TC without question", func(q []byte) []byte {
			m := header(q, wire.NoError)
			m[2] |= wire.TC >> 8
			return m
		}, 1, 1},
		{"FORMERR", func(q []byte) []byte { return header(q, wire.FormErr) }, 2, 0},
		{"BADVERS", func(q []byte) []byte { return reply(q, wire.BadVers) }, 2, 0},
		{"SERVFAIL", func(q []byte) []byte { return reply(q, wire.ServFail) }, 1, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				h := n.hosts[serverA]
				h.udp = func(_ *fakeSocket, q []byte) [][]byte {
					if !hasOPT(q) {
						return [][]byte{reply(q, 0)}
					}
					return slices.Repeat([][]byte{tc.first(q)}, copies)
				}
				streamed := 0
				h.stream = func(q []byte) [][]byte {
					streamed++
					return [][]byte{reply(q, 0)}
				}
				a := newAsker(t, n)
				a.ask("a")
				if n.count() != tc.packets || streamed != tc.stream {
					t.Errorf("%d datagrams and %d queries over TCP, want %d, %d", n.count(), streamed, tc.packets, tc.stream)
				}
				if s := a.Stats().Servers[0]; s.Mismatched > 0 {
					t.Errorf("%d copies counted as forged", s.Mismatched)
				}
				a.finish()
			})
		})
	}
}

// TestCopiesOfTries: three tries that are told of a truncation at once lead to
// one query over TCP.
func TestCopiesOfTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		h := n.hosts[serverA]
		a := newAsker(t, n)
		a.stream("warm", 20, 100)
		streamed := 0
		n.change(func() {
			late := time.Now().Add(90 * ms)
			h.rtt = func() time.Duration { return time.Until(late) }
			h.udp = func(_ *fakeSocket, q []byte) [][]byte { return [][]byte{truncated(q)} }
			h.stream = func(q []byte) [][]byte {
				streamed++
				return [][]byte{reply(q, 0)}
			}
		})
		a.ask("a")
		if streamed != 1 {
			t.Errorf("%d queries over TCP, want 1", streamed)
		}
		a.finish()
	})
}

// TestOddNames: one client's names that are not answered with EDNS take it from
// nobody else, neither before a reload nor after it.
func TestOddNames(t *testing.T) {
	for name, refusal := range map[string]func(q []byte) []byte{
		"FORMERR": func(q []byte) []byte {
			m := reply(q, wire.FormErr)
			m[11] = 0
			return m[:wire.HeaderLen+len(questionOf(q))]
		},
		"FORMERR without question": func(q []byte) []byte { return header(q, wire.FormErr) },
		"BADVERS":                  func(q []byte) []byte { return reply(q, wire.BadVers) },
		"malformed":                blemishes[0].spoil,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				plain, refused := 0, 0
				n.hosts[serverA].udp = func(_ *fakeSocket, q []byte) [][]byte {
					odd := labelOf(q)[0] == 'o'
					switch {
					case odd && hasOPT(q):
						refused++
						return [][]byte{refusal(q)}
					case !odd && !hasOPT(q):
						plain++
					}
					return [][]byte{reply(q, 0)}
				}
				old := newAsker(t, n)
				old.ask("first")
				a := old
				for round := range 2 {
					for i := range 20 {
						a.ask(fmt.Sprint("odd", i))
						a.ask(fmt.Sprint("n", i))
					}
					if refused > 30 || plain > 0 { // two names in one place cost two more
						t.Errorf("%d refusals for 20 names, and %d other queries without EDNS, want 20, 0", refused, plain)
					}
					if round == 0 {
						a = newAsker(t, n, func(c *Config) { c.Previous = old.Client })
					}
				}
				a.Close()
				old.finish()
			})
		})
	}
}

// TestBareFormErrAmongOthers: a FORMERR that says not what it is about counts
// only where nothing else is pending.
func TestBareFormErrAmongOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		h := n.hosts[serverA]
		h.rtt = func() time.Duration { return 20 * ms }
		plain, sent := 0, 0
		h.udp = func(k *fakeSocket, q []byte) [][]byte {
			if !hasOPT(q) {
				plain++
			}
			if sent++; sent > 2000 && sent%50 == 0 {
				k.deliver(header(q, wire.FormErr), 10*ms)
			}
			return [][]byte{reply(q, 0)}
		}
		a := newAsker(t, n)
		a.stream("n", 6000, 4000)
		_, failed := a.finish()
		if plain > 8 || failed > 0 || sent < 6040 {
			t.Errorf("%d queries without EDNS, %d failed, %d sent, want hardly any, 0, and some twice", plain, failed, sent)
		}
	})
}
