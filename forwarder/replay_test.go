package forwarder

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/config"
)

// TestReplay runs the scripts of testdata/replay against a whole Server with a
// virtual clock.
func TestReplay(t *testing.T) {
	paths, err := filepath.Glob("../testdata/replay/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("Glob = %v, %v, want scripts", paths, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			s, err := readScript(path)
			if err != nil {
				t.Fatal(err)
			}
			conf := configOf(t, s.conf)
			synctest.Test(t, func(t *testing.T) { runScript(t, path, s, conf) })
		})
	}
}

// replay is a running script.
type replay struct {
	t     *testing.T
	s     *Server
	net   *fakeNet
	began time.Time

	id      uint16
	asked   map[uint16]client // by message ID
	queries map[uint16]*dns.Msg
	inbox   []reply
	current *asking // what upstream was asked last

	cookie         string // our last one
	upstreamCookie string // that we sent upstream last
	foreign        bool   // the last query had another client's cookie

	journal *journal // of scripts
	cancel  context.CancelFunc
	done    chan error
}

// runScript returns what has run, and been stopped.
func runScript(t *testing.T, path string, s script, cfg *config.Config) *replay {
	j := newJournal()
	o := Options{Workers: 1, UpstreamPPS: Unlimited, Log: j.logger()}
	r := newReplayWith(t, cfg, newFakeNet("127.0.0.1/8", "10.79.1.10/24"), o)
	r.journal = j
	for _, step := range s.steps {
		if err := r.step(step); err != nil {
			t.Errorf("%s:%d: %s:\n\t%v", filepath.Base(path), step.line, strings.Join(step.words, " "), err)
			break
		}
	}
	r.stop()
	return r
}

func (r *replay) step(s step) error {
	defer synctest.Wait()
	switch w := s.words; w[0] {
	case "at":
		d, err := s.offset()
		if err == nil && d < time.Since(r.began) {
			err = fmt.Errorf("it is %v already", time.Since(r.began))
		}
		time.Sleep(d - time.Since(r.began))
		return err
	case "client":
		return r.client(s)
	case "upstream":
		return r.upstream(s)
	case "flush":
		return r.flush(w[1:])
	case "reload":
		return r.reload(s)
	case "interfaces":
		r.net.change(envOf(w[1:]...))
	case "serves":
		var d differences
		d.compare("addresses", r.s.Addrs(), w[1:])
		return d.err()
	case "counts":
		return r.counts(w[1:])
	case "logs":
		return r.logs(w[1:])
	case "shutdown":
		r.cancel()
	case "stopped":
		select {
		case err := <-r.done:
			r.done <- err
		default:
			return errors.New("Serve has not returned")
		}
	default:
		return fmt.Errorf("unknown step %q", w[0])
	}
	return nil
}

func (r *replay) client(s step) error {
	w := s.words
	if len(w) < 4 {
		return errors.New("too few words")
	}
	switch w[2] {
	case "asks":
		return r.asks(w[1], w[3:])
	case "gets":
		return r.gets(w[1], w[3:], s.block)
	}
	return fmt.Errorf("unknown verb %q", w[2])
}

// clientPort is the first port of all clients.
const clientPort = 5000

func (r *replay) asks(from string, w []string) error {
	o, err := parseSettings(w[2:], questionWords...)
	if err != nil {
		return err
	}
	r.foreign = o["cookie"] == "upstream"
	to := netip.MustParseAddr("10.79.1.10")
	if a := o["to"]; a != "" {
		to = netip.MustParseAddr(a)
	}
	for i := range o.number("times", 1) {
		q, err := r.query(strings.ReplaceAll(w[0], "%", strconv.Itoa(i+1)), w[1], o)
		if err != nil {
			return err
		}
		msg, err := q.Pack()
		if err != nil {
			return err
		}
		peer := netip.AddrPortFrom(netip.MustParseAddr(from), clientPort+uint16(i))
		c := testAsker(o.has("tcp"))
		c.addr = peer
		r.asked[q.Id], r.queries[q.Id] = c, q
		if !r.net.ask(peer, netip.AddrPortFrom(to, 53), o.has("tcp"), msg) {
			return fmt.Errorf("nobody listens on %v", to)
		}
	}
	return nil
}

func (r *replay) gets(who string, w, block []string) error {
	r.inbox = append(r.inbox, r.net.got()...)
	if w[0] == "nothing" {
		if i := r.find(who); i >= 0 {
			return fmt.Errorf("got a reply:\n%v", describe(r.inbox[i].msg))
		}
		return nil
	}
	o, err := parseSettings(w[1:], wantWords...)
	if err != nil {
		return err
	}
	want, err := parseSections(block)
	if err != nil {
		return err
	}
	for range o.number("times", 1) {
		i := r.find(who)
		if i < 0 {
			return errors.New("got no reply")
		}
		got := r.inbox[i]
		r.inbox = slices.Delete(r.inbox, i, i+1)
		id := uint16(got.msg[0])<<8 | uint16(got.msg[1])
		if err := r.check(r.queries[id], r.asked[id].via == viaTCP, got.msg, w[0], o, want); err != nil {
			return err
		}
		if r.asked[id].addr != got.peer {
			return fmt.Errorf("the reply went to %v, want %v", got.peer, r.asked[id].addr)
		}
	}
	return nil
}

// find returns the oldest reply to a client, or to any if it is *.
func (r *replay) find(who string) int {
	return slices.IndexFunc(r.inbox, func(g reply) bool { return who == "*" || g.peer.Addr().String() == who })
}

func describe(msg []byte) string {
	m := new(dns.Msg)
	if err := m.Unpack(msg); err != nil {
		return fmt.Sprintf("%x: %v", msg, err)
	}
	return m.String()
}

func (r *replay) upstream(s step) error {
	w := s.words[1:]
	var server netip.Addr
	if a, err := netip.ParseAddr(w[0]); err == nil {
		server, w = a, w[1:]
	}
	switch w[0] {
	case "gets":
		return r.upstreamGets(server, w[1:])
	case "answers":
		return r.upstreamAnswers(w[1:], s.block)
	case "refuses":
		r.current.refuse()
	case "forgets":
		r.net.forget()
	default:
		return fmt.Errorf("unknown verb %q", w[0])
	}
	return nil
}

// upstreamGets takes the oldest query.
func (r *replay) upstreamGets(server netip.Addr, w []string) error {
	q := r.net.take(server)
	if w[0] == "nothing" {
		if q != nil {
			return fmt.Errorf("%v got a query:\n%v", q.server, describe(q.msg))
		}
		return nil
	}
	o, err := parseSettings(w[2:], "cd", "tcp", "noedns")
	if err != nil {
		return err
	}
	if q == nil {
		return errors.New("got no query")
	}
	m := new(dns.Msg)
	if err := m.Unpack(q.msg); err != nil {
		return err
	}
	r.current = q
	opt := m.IsEdns0()
	var d differences
	d.compare("question", m.Question[0].Name+" "+dns.TypeToString[m.Question[0].Qtype], w[0]+" "+w[1])
	d.compare("flags", flagsOf(m), strings.TrimSpace("rd "+flagString(false, false, false, false, false, false, o.has("cd"), false)))
	d.compare("EDNS", opt != nil, !o.has("noedns"))
	d.compare("TCP", q.tcp, o.has("tcp"))
	if opt != nil {
		d.compare("DO", opt.Do(), true) // as named asks
		for _, e := range opt.Option {
			if c, ok := e.(*dns.EDNS0_COOKIE); ok {
				r.upstreamCookie = c.Cookie
			}
		}
	}
	return d.err()
}

func (r *replay) upstreamAnswers(w, block []string) error {
	if r.current == nil {
		return errors.New("it was not asked")
	}
	o, err := parseSettings(w[1:], "tc", "noopt", "aa", "ad")
	if err != nil {
		return err
	}
	records, err := parseSections(block)
	if err != nil {
		return err
	}
	msg := replyTo(r.current.msg, func(q, m *dns.Msg) {
		m.Rcode, m.Truncated, m.Authoritative, m.AuthenticatedData = dns.StringToRcode[w[0]], o.has("tc"), o.has("aa"), o.has("ad")
		m.Answer, m.Ns, m.Extra = records.answer, records.authority, records.additional
		if opt := q.IsEdns0(); opt != nil && !o.has("noopt") {
			m.SetEdns0(1232, opt.Do())
		}
	})
	if msg == nil {
		return errors.New("it cannot be packed")
	}
	r.current.answer(msg)
	return nil
}

func (r *replay) flush(w []string) error {
	if len(w) == 0 {
		r.s.Flush()
		return nil
	}
	flush := r.s.FlushName
	if w[0] == "tree" {
		flush = r.s.FlushTree
	}
	n, err := flush(w[1])
	var d differences
	d.compare("flushed", fmt.Sprint(n, err), w[2]+" <nil>")
	return d.err()
}

func (r *replay) reload(s step) error {
	return r.s.Reload(configOf(r.t, strings.Join(s.block, "\n")))
}

func (r *replay) counts(w []string) error {
	have := make(map[string]uint64)
	for _, c := range r.s.Stats().Queries {
		have[c.Source.String()] += c.Count
	}
	var d differences
	for _, word := range w {
		key, n, _ := strings.Cut(word, "=")
		d.compare(key, strconv.FormatUint(have[key], 10), n)
	}
	return d.err()
}
