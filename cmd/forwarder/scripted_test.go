package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// scripted is an upstream that answers as a file of testdata/answers says:
//
//	when NAME TYPE RCODE [plain|tight]   the answer to a question, its records below
//	  [authority|additional] RECORD      in presentation format; `repeat N` before it
//	                                     puts 1 to N in place of %
//	ask NAME TYPE [tcp] [do] [noedns] [size=N]   what the servers are asked, in any order
//
// Names are compressed as RFC 3597 allows; with plain not at all, with tight in all
// data. Any other name has the address 10.9.9.9, and nothing else.
type scripted struct {
	answers map[dns.Question]scriptedAnswer
	probes  []probe
}

type scriptedAnswer struct {
	rcode    int
	form     string
	sections [3][]dns.RR
}

// readScripted reads a file of testdata/answers.
func readScripted(t *testing.T, path string) *scripted {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &scripted{answers: make(map[dns.Question]scriptedAnswer)}
	var last dns.Question
	for i, line := range strings.Split(string(text), "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case line[0] == ' ':
			err = s.record(last, strings.TrimSpace(line))
		case words[0] == "when":
			last, err = s.when(words[1:])
		case words[0] == "ask":
			err = s.ask(words[1:])
		default:
			err = fmt.Errorf("unknown word %q", words[0])
		}
		if err != nil {
			t.Fatalf("%s:%d: %v", path, i+1, err)
		}
	}
	return s
}

func questionOf(name, qtype string) (dns.Question, error) {
	t, ok := dns.StringToType[qtype]
	if n, err := strconv.Atoi(strings.TrimPrefix(qtype, "TYPE")); !ok && err == nil {
		t, ok = uint16(n), true
	}
	if !ok {
		return dns.Question{}, fmt.Errorf("unknown type %s", qtype)
	}
	return dns.Question{Name: name, Qtype: t, Qclass: dns.ClassINET}, nil
}

func (s *scripted) when(words []string) (dns.Question, error) {
	q, err := questionOf(words[0], words[1])
	a := scriptedAnswer{rcode: dns.StringToRcode[words[2]], form: "usual"}
	if len(words) > 3 {
		a.form = words[3]
	}
	q.Name = strings.ToLower(q.Name)
	s.answers[q] = a
	return q, err
}

func (s *scripted) record(q dns.Question, line string) error {
	n := 1
	if rest, ok := strings.CutPrefix(line, "repeat "); ok {
		count, text, _ := strings.Cut(rest, " ")
		n, _ = strconv.Atoi(count)
		line = text
	}
	a := s.answers[q]
	for i := range n {
		if err := a.add(strings.ReplaceAll(line, "%", strconv.Itoa(i+1))); err != nil {
			return err
		}
	}
	s.answers[q] = a
	return nil
}

func (a *scriptedAnswer) add(line string) error {
	section := 0
	for i, name := range []string{"answer ", "authority ", "additional "} {
		if rest, ok := strings.CutPrefix(line, name); ok {
			section, line = i, rest
		}
	}
	rr, err := dns.NewRR(line)
	a.sections[section] = append(a.sections[section], rr)
	return err
}

func packedName(name string) []byte {
	buf := make([]byte, 256)
	n, err := dns.PackDomainName(name, buf, 0, nil, false)
	if err != nil {
		panic(err) // a mistake in a file of testdata
	}
	return buf[:n]
}

func (s *scripted) ask(words []string) error {
	q, err := questionOf(words[0], words[1])
	p := usual(q.Name, q.Qtype)
	made := probe{title: strings.Join(words, " ")}
	for _, w := range words[2:] {
		switch size, hasSize := strings.CutPrefix(w, "size="); {
		case hasSize:
			n, _ := strconv.Atoi(size)
			p.size = uint16(n)
		case w == "do":
			p.do = true
		case w == "noedns":
			p.edns = false
		case w == "tcp":
			made.tcp = true
		default:
			return fmt.Errorf("unknown word %q", w)
		}
	}
	made.packet = p.pack()
	s.probes = append(s.probes, made)
	return err
}

// ServeDNS answers as the file says.
func (s *scripted) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	key := q.Question[0]
	key.Name = strings.ToLower(key.Name)
	a, ok := s.answers[key]
	if !ok {
		a = usualAnswer(key)
	}
	_, _ = w.Write(a.message(q, w.LocalAddr().Network() == "tcp"))
}

func usualAnswer(q dns.Question) (a scriptedAnswer) {
	line := q.Name + " 60 IN A 10.9.9.9"
	if q.Qtype != dns.TypeA {
		i, end := dns.NextLabel(q.Name, 0)
		if end {
			i = len(q.Name) - 1
		}
		line = "authority " + q.Name[i:] + " 60 IN SOA ns.example. root.example. 1 2 3 4 60"
	}
	if err := a.add(line); err != nil {
		panic(err)
	}
	return a
}

// message is the answer to q; one that is longer than q allows is truncated.
func (a *scriptedAnswer) message(q *dns.Msg, tcp bool) []byte {
	m := new(dns.Msg).SetRcode(q, a.rcode)
	m.RecursionAvailable = true
	head, err := m.Pack()
	if err != nil {
		panic(err)
	}
	p := packer{msg: head, form: a.form, known: map[string]int{}}
	p.note(q.Question[0].Name, 12)
	for _, rr := range slices.Concat(a.sections[0], a.sections[1], a.sections[2]) {
		p.record(rr)
	}
	opt := q.IsEdns0()
	counts := []int{len(a.sections[0]), len(a.sections[1]), len(a.sections[2])}
	if opt != nil {
		counts[2]++
		p.msg = append(p.msg, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0)
	}
	for i, n := range counts {
		binary.BigEndian.PutUint16(p.msg[6+2*i:], uint16(n))
	}
	if most := 1232; !tcp && len(p.msg) > most {
		m.Truncated = true
		p.msg, _ = m.Pack()
	}
	return p.msg
}

// packer writes records as an upstream does.
type packer struct {
	msg   []byte
	form  string
	known map[string]int // where a name stands
}

func (p *packer) note(name string, at int) {
	for off, end := 0, false; !end && name != "."; off, end = dns.NextLabel(name, off) {
		if _, ok := p.known[name[off:]]; !ok && at+off < 1<<14 {
			p.known[name[off:]] = at + off // no escapes in names here
		}
	}
}

// name writes a name, with a pointer where that may be.
func (p *packer) name(name string, compress bool) {
	off, at := 0, len(p.msg)
	for end := name == "."; !end && compress; off, end = dns.NextLabel(name, off) {
		if to, ok := p.known[name[off:]]; ok {
			p.note(name, at)
			p.msg = append(append(p.msg, labels(name[:off])...), 0xc0|byte(to>>8), byte(to))
			return
		}
	}
	p.note(name, at)
	p.msg = append(p.msg, packedName(name)...)
}

// labels are those of a name's beginning, which ends with a dot.
func labels(name string) []byte {
	if name == "" {
		return nil
	}
	packed := packedName(name)
	return packed[:len(packed)-1]
}

// record writes a record.
func (p *packer) record(rr dns.RR) {
	rr = dns.Copy(rr) // which packing writes to
	buf := make([]byte, dns.Len(rr))
	n, err := dns.PackRR(rr, buf, 0, nil, false)
	if err != nil {
		panic(err)
	}
	name := len(packedName(rr.Header().Name))
	p.name(rr.Header().Name, p.form != "plain")
	p.msg = append(p.msg, buf[name:name+10]...)
	start := len(p.msg)
	p.data(rr.Header().Rrtype, buf[name+10:n])
	binary.BigEndian.PutUint16(p.msg[start-2:], uint16(len(p.msg)-start))
}

// data writes a record's data.
func (p *packer) data(rtype uint16, data []byte) {
	skip, names, usual := namesOf(rtype, data)
	p.msg = append(p.msg, data[:skip]...)
	for range names {
		name, next, err := dns.UnpackDomainName(data, skip)
		if err != nil {
			panic(err)
		}
		p.name(name, p.form == "tight" || usual && p.form != "plain")
		skip = next
	}
	p.msg = append(p.msg, data[skip:]...)
}

// namesOf says what stands before the names of a type's data, how many there are,
// and whether they may be compressed (RFC 3597, 4).
func namesOf(rtype uint16, data []byte) (skip, names int, compressed bool) {
	switch rtype {
	case dns.TypeNS, dns.TypeCNAME, dns.TypePTR, dns.TypeMB, dns.TypeMG, dns.TypeMR, dns.TypeMD, dns.TypeMF:
		return 0, 1, true
	case dns.TypeSOA, dns.TypeMINFO:
		return 0, 2, true
	case dns.TypeMX:
		return 2, 1, true
	case dns.TypeDNAME:
		return 0, 1, false
	case dns.TypeRP:
		return 0, 2, false
	case dns.TypeAFSDB, dns.TypeRT, dns.TypeKX, dns.TypeSVCB, dns.TypeHTTPS:
		return 2, 1, false
	case dns.TypePX:
		return 2, 2, false
	case dns.TypeSRV:
		return 6, 1, false
	case dns.TypeRRSIG:
		return 18, 1, false
	case dns.TypeNAPTR:
		skip = 4
		for range 3 {
			skip += 1 + int(data[skip])
		}
		return skip, 1, false
	}
	return 0, 0, false
}

// listen starts the upstream on loopback.
func (s *scripted) listen(t *testing.T) netip.AddrPort {
	t.Helper()
	addr := freeAddr(t)
	packets, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		t.Fatal(err)
	}
	stream, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(addr))
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range []*dns.Server{{PacketConn: packets, Handler: s}, {Listener: stream, Handler: s}} {
		go func() { _ = server.ActivateAndServe() }()
		t.Cleanup(func() { _ = server.Shutdown() })
	}
	return addr
}

// scriptFiles are the files of testdata/answers, by name.
func scriptFiles(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("../../testdata/answers/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files in testdata/answers: %v", err)
	}
	files := make(map[string]string)
	for _, path := range paths {
		files[strings.TrimSuffix(filepath.Base(path), ".txt")] = path
	}
	return files
}
