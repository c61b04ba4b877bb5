package upstream

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"vpcdns/forwarder/wire"
)

// blemishes are ways to spoil an answer that has the right ID and question.
var blemishes = []struct {
	name  string
	spoil func(q []byte) []byte
	err   error
}{
	{"cut in a record", func(q []byte) []byte {
		m := reply(q, 0)
		return m[:wire.HeaderLen+len(questionOf(q))+14]
	}, ErrMalformed},
	{"more records announced", func(q []byte) []byte {
		m := reply(q, 0)
		m[7]++
		return m
	}, ErrMalformed},
	{"pointer forward", func(q []byte) []byte {
		m := reply(q, 0)
		m[wire.HeaderLen+len(questionOf(q))+1] = 0xf0
		return m
	}, ErrMalformed},
	{"address of three octets", func(q []byte) []byte {
		m := reply(q, 0)
		at := wire.HeaderLen + len(questionOf(q)) + 11
		m[at] = 3
		return slices.Delete(m, at+1, at+2)
	}, ErrMalformed},
	{"OPT as answer", func(q []byte) []byte {
		m := header(q, 0)
		m[5], m[7] = 1, 1
		return wire.AppendOPT(append(m, questionOf(q)...), 1232, 0, false)
	}, ErrMalformed},
	{"two OPTs", func(q []byte) []byte {
		m := reply(q, 0)
		if m[11] == 0 {
			m = wire.AppendOPT(m, 1232, 0, false)
		}
		m[11] = 2
		return wire.AppendOPT(m, 1232, 0, false)
	}, ErrMalformed},
	{"referral", func(q []byte) []byte {
		m := header(q, 0)
		m[5], m[9] = 1, 1
		m = append(m, questionOf(q)...)
		return append(m, 0, 0, wire.TypeNS, 0, 1, 0, 0, 0, 60, 0, 1, 0)
	}, ErrReferral},
}

// spoiled answers over UDP as spoil says while bad holds.
func spoiled(spoil func(q []byte) []byte, bad func(q []byte) bool) behaviour {
	return func(_ *fakeSocket, q []byte) [][]byte {
		if bad(q) {
			return [][]byte{spoil(q)}
		}
		return [][]byte{reply(q, 0)}
	}
}

func always([]byte) bool { return true }

// TestUnsoundOnce: one bad answer of a lone server costs one more packet.
func TestUnsoundOnce(t *testing.T) {
	for _, b := range blemishes {
		t.Run(b.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				first := true
				n.hosts[serverA].udp = spoiled(b.spoil, func([]byte) bool {
					bad := first
					first = false
					return bad
				})
				a := newAsker(t, n)
				res := a.ask("a")
				sent := n.count() + 6*n.conns // a connection, a query and its answer
				if res.err != nil || sent > 2 {
					t.Errorf("Answer = %v after %d packets, want one after 2", res.err, sent)
				}
				a.finish()
			})
		})
	}
}

// TestUnsoundServerOfTwo: the faster of two servers is of no use.
func TestUnsoundServerOfTwo(t *testing.T) {
	for _, b := range blemishes {
		for _, do := range []bool{false, true} {
			t.Run(fmt.Sprint(b.name, do), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := newNetwork(serverA, serverB)
					n.hosts[serverA].udp = spoiled(b.spoil, always)
					n.hosts[serverA].stream = func(q []byte) [][]byte { return [][]byte{b.spoil(q)} }
					n.hosts[serverB].rtt = func() time.Duration { return 30 * ms }
					a := newAsker(t, n)
					for i := range 200 {
						if res := a.ask(fmt.Sprint(i), func(r *Request) { r.DO = do }); res.err != nil || res.took > 50*ms {
							t.Errorf("Answer = %v after %v, want the other server's", res.err, res.took)
						}
						time.Sleep(50 * ms)
					}
					s := a.Stats().Servers
					if asked := n.hosts[serverA].queries; asked > 50 || s[0].Unsound == 0 || s[1].Unsound > 0 {
						t.Errorf("asked the bad server %d times in 12 s, stats %+v, want it avoided", asked, s[0])
					}
					a.finish()
				})
			})
		}
	}
}

// TestUnsoundAlways: when all servers are of no use, their error is told at once.
func TestUnsoundAlways(t *testing.T) {
	for _, b := range blemishes {
		t.Run(b.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA, serverB)
				for _, h := range n.hosts {
					h.udp = spoiled(b.spoil, always)
					h.stream = func(q []byte) [][]byte { return [][]byte{b.spoil(q)} }
				}
				a := newAsker(t, n)
				if res := a.ask("a"); !errors.Is(res.err, b.err) || res.took > 100*ms || n.count() > 6 || n.conns > 2 {
					t.Errorf("Answer = %v after %v, %d packets and %d connections, want %v", res.err, res.took, n.count(), n.conns, b.err)
				}
				a.finish()
			})
		})
	}
}

// TestUnsoundWays: what spoils answers spoils some of them only.
func TestUnsoundWays(t *testing.T) {
	cut := blemishes[0].spoil
	for _, tc := range []struct {
		name  string
		edit  func(h *host)
		do    bool
		conns int
	}{
		{"with EDNS", func(h *host) { h.udp = spoiled(cut, hasOPT) }, false, 0},
		{"with EDNS, and DO", func(h *host) { h.udp = spoiled(cut, hasOPT) }, true, 1},
		{"with EDNS, over TCP too, and DO", func(h *host) {
			h.udp = spoiled(cut, hasOPT)
			h.stream = func(q []byte) [][]byte {
				if hasOPT(q) {
					return [][]byte{cut(q)}
				}
				return [][]byte{reply(q, 0)}
			}
		}, true, 2},
		{"over UDP", func(h *host) { h.udp = spoiled(cut, always) }, false, 1},
		{"TC over TCP once", func(h *host) {
			h.udp = func(_ *fakeSocket, q []byte) [][]byte { return [][]byte{truncated(q)} }
			asked := 0
			h.stream = func(q []byte) [][]byte {
				if asked++; asked == 1 {
					return [][]byte{truncated(q)}
				}
				return [][]byte{reply(q, 0)}
			}
		}, false, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				tc.edit(n.hosts[serverA])
				a := newAsker(t, n)
				res := a.ask("a", func(r *Request) { r.DO = tc.do })
				if res.err != nil || res.took > 50*ms || n.conns > tc.conns {
					t.Errorf("Answer = %v after %v over %d connections, want an answer and %d at most", res.err, res.took, n.conns, tc.conns)
				}
				a.finish()
			})
		})
	}
}

// pickyHandler refuses answers.
type pickyHandler struct {
	handlerOf
	refuse func(m *wire.Message) error
}

func (h pickyHandler) Check(_ *Request, m *wire.Message) error { return h.refuse(m) }

// TestChecker: what a Checker refuses is of no use, and it is not given to Answer.
func TestChecker(t *testing.T) {
	refused := errors.New("refused")
	for _, count := range []int{0, 1, 2, 100} {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork(serverA)
			left := count
			var a *asker
			a = newAsker(t, n, func(c *Config) {
				c.NewHandler = func() Handler {
					return pickyHandler{handlerOf{a}, func(m *wire.Message) error {
						if left--; left >= 0 {
							return refused
						}
						return nil
					}}
				}
			})
			res := a.ask("a")
			if bad := count > 2; bad != errors.Is(res.err, refused) || !bad && res.err != nil {
				t.Errorf("Answer = %v when %d answers are refused", res.err, count)
			}
			a.finish()
		})
	}
}

// TestUnsoundWhenClosed: a request whose answer is of no use ends when the
// client is closed meanwhile.
func TestUnsoundWhenClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.hosts[serverA].udp = spoiled(blemishes[0].spoil, always)
		n.hosts[serverA].tcpMute = true
		a := newAsker(t, n)
		r := a.start("a")
		time.Sleep(1 * ms)
		a.Close()
		if res, ok := a.end(r); !ok || !errors.Is(res.err, ErrClosed) {
			t.Errorf("Answer = %v, %v, want %v", ok, res.err, ErrClosed)
		}
	})
}

// FuzzSound: an answer that is delivered is well formed.
func FuzzSound(f *testing.F) {
	q := wire.AppendQuery(nil, wire.QueryOptions{ID: 7, Question: question("a"), EDNS: true})
	for _, b := range blemishes {
		f.Add(b.spoil(q))
	}
	f.Add(reply(q, 0))
	f.Fuzz(func(t *testing.T, m []byte) {
		o := newOutlet(ignore{})
		var parsed wire.Message
		sound := parsed.Parse(slices.Clone(m)) && !parsed.Referral()
		if err := o.check(nil, m); (err == nil) != sound {
			t.Errorf("check(%x) = %v, want sound = %v", m, err, sound)
		}
	})
}
