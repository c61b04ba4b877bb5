package forwarder

import (
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// question is the rest of `client … asks NAME TYPE …`: class=CH, to=ADDRESS,
// tcp, -rd, cd, ad, edns, size=N, do, version=N, nsid, keepalive, padding,
// cookie=new|ours|bad|upstream, ecs=PREFIX, opcode=NOTIFY, times=N (from as
// many ports). All options but the header's imply EDNS.
var questionWords = []string{"class", "to", "tcp", "-rd", "cd", "ad", "edns", "size", "do", "version", "nsid",
	"keepalive", "padding", "cookie", "ecs", "opcode", "times"}

// clientCookie is every client's.
const clientCookie = "0102030405060708"

// query builds a client's message.
func (r *replay) query(name, qtype string, o settings) (*dns.Msg, error) {
	t, ok := dns.StringToType[qtype]
	if !ok {
		return nil, fmt.Errorf("unknown type %s", qtype)
	}
	m := new(dns.Msg)
	r.id++
	m.Id = r.id
	m.RecursionDesired, m.CheckingDisabled, m.AuthenticatedData = !o.has("-rd"), o.has("cd"), o.has("ad")
	m.Question = []dns.Question{{Name: name, Qtype: t, Qclass: dns.ClassINET}}
	if c := o["class"]; c != "" {
		m.Question[0].Qclass = dns.StringToClass[c]
	}
	if op := o["opcode"]; op != "" {
		m.Opcode = dns.StringToOpcode[op]
	}
	if opt := r.opt(o); opt != nil {
		m.Extra = []dns.RR{opt}
	}
	return m, nil
}

// opt builds a client's OPT, or nil.
func (r *replay) opt(o settings) *dns.OPT {
	opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
	opt.SetUDPSize(uint16(o.number("size", 1232)))
	opt.SetVersion(uint8(o.number("version", 0)))
	if o.has("do") {
		opt.SetDo()
	}
	add := func(e dns.EDNS0) { opt.Option = append(opt.Option, e) }
	if o.has("nsid") {
		add(&dns.EDNS0_NSID{Code: dns.EDNS0NSID})
	}
	if o.has("keepalive") {
		add(&dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE})
	}
	if o.has("padding") {
		add(&dns.EDNS0_PADDING{Padding: make([]byte, 8)})
	}
	if p, err := netip.ParsePrefix(o["ecs"]); err == nil {
		add(&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: uint8(p.Bits()), Address: p.Addr().AsSlice()})
	}
	switch o["cookie"] {
	case "new":
		add(&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: clientCookie})
	case "ours":
		add(&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: r.cookie})
	case "bad":
		add(&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: clientCookie + strings.Repeat("01", 16)})
	case "upstream":
		add(&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: r.upstreamCookie[:16]})
	}
	if !o.has("edns") && !o.has("size") && !o.has("version") && !o.has("do") && len(opt.Option) == 0 {
		return nil
	}
	return opt
}

// want is the rest of `client … gets RCODE …`. What is not said is not there:
// aa, tc, -ra, ede=N, nsid=TEXT, ecs=PREFIX/SCOPE, keepalive=N (tenths of a
// second), noopt, noquestion, nocookie; records=N in place of a list of them,
// times=N replies alike.
var wantWords = []string{"aa", "tc", "-ra", "ede", "nsid", "ecs", "keepalive", "noopt", "noquestion", "nocookie", "records", "times"}

// check compares the reply to q with what a script wants of it, all of it.
func (r *replay) check(q *dns.Msg, over bool, msg []byte, rcode string, o settings, want sections) error {
	m := new(dns.Msg)
	if err := m.Unpack(msg); err != nil {
		return fmt.Errorf("reply %x: %w", msg, err)
	}
	var d differences
	d.compare("rcode", m.Rcode, rcodes[rcode])
	d.compare("flags", flagsOf(m), wantedFlags(q, o))
	if o.has("noquestion") {
		d.compare("questions", len(m.Question), 0)
	} else {
		d.compare("question", fmt.Sprint(m.Question), fmt.Sprint(q.Question))
	}
	if got := m.IsEdns0() != nil; got != (q.IsEdns0() != nil && !o.has("noopt")) {
		d.compare("OPT", got, !got)
	}
	r.checkOptions(&d, q, m, o)
	var asked wire.Query
	asked.Parse(packed(q))
	if limit := mostOf(&asked, over); len(msg) > limit {
		d.compare("size", len(msg), limit)
	}
	if o.has("records") {
		d.compare("records", len(m.Answer), o.number("records", 0))
	} else {
		d.compare("answer", lines(m.Answer), lines(want.answer))
		d.compare("authority", lines(m.Ns), lines(want.authority))
		d.compare("additional", lines(m.Extra), lines(want.additional))
	}
	return d.err()
}

// rcodes are the response codes by name; that of a bad version is that of a bad
// signature too.
var rcodes = maps.Collect(func(yield func(string, int) bool) {
	for n, name := range dns.RcodeToString {
		yield(name, n)
	}
	yield("BADVERS", dns.RcodeBadVers)
})

type differences []string

func (d *differences) compare(what string, got, want any) {
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		*d = append(*d, fmt.Sprintf("%s = %s, want %s", what, g, w))
	}
}

func (d differences) err() error {
	if len(d) == 0 {
		return nil
	}
	return fmt.Errorf("%s", strings.Join(d, "\n\t"))
}

func flagsOf(m *dns.Msg) string {
	return flagString(m.Response, m.Authoritative, m.Truncated, m.RecursionDesired, m.RecursionAvailable,
		m.AuthenticatedData, m.CheckingDisabled, m.Zero)
}

func wantedFlags(q *dns.Msg, o settings) string {
	rd := q.RecursionDesired
	return flagString(true, o.has("aa"), o.has("tc"), rd && q.Opcode == dns.OpcodeQuery, !o.has("-ra"), false, q.CheckingDisabled, false)
}

func flagString(on ...bool) string {
	list := []string{}
	for i, name := range []string{"qr", "aa", "tc", "rd", "ra", "ad", "cd", "z"} {
		if on[i] {
			list = append(list, name)
		}
	}
	return strings.Join(list, " ")
}

// checkOptions compares what the OPT says.
func (r *replay) checkOptions(d *differences, q, m *dns.Msg, o settings) {
	opt := m.IsEdns0()
	if opt == nil {
		return
	}
	d.compare("EDNS version", opt.Version(), 0)
	d.compare("EDNS size", opt.UDPSize(), 1232)
	d.compare("DO", opt.Do(), q.IsEdns0().Do())
	got := make(settings)
	for _, e := range opt.Option {
		switch e := e.(type) {
		case *dns.EDNS0_EDE:
			got["ede"] = fmt.Sprint(e.InfoCode)
		case *dns.EDNS0_NSID:
			text, _ := hex.DecodeString(e.Nsid)
			got["nsid"] = string(text)
		case *dns.EDNS0_TCP_KEEPALIVE:
			got["keepalive"] = fmt.Sprint(e.Timeout)
		case *dns.EDNS0_SUBNET:
			got["ecs"] = fmt.Sprintf("%s/%d/%d", e.Address, e.SourceNetmask, e.SourceScope)
		case *dns.EDNS0_COOKIE:
			got["cookie"] = ""
			if d.compare("cookie's octets", len(e.Cookie)/2, 24); !r.foreign {
				d.compare("client cookie", e.Cookie[:16], clientCookie)
			}
			r.cookie = e.Cookie
		default:
			d.compare("option", e.Option(), "none such")
		}
	}
	for _, key := range []string{"ede", "nsid", "keepalive", "ecs"} {
		d.compare(key, got[key], o[key])
	}
	asked := slices.ContainsFunc(q.IsEdns0().Option, func(e dns.EDNS0) bool { return e.Option() == dns.EDNS0COOKIE })
	d.compare("has cookie", got.has("cookie"), asked && !o.has("nocookie"))
}
