package watch

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestOverride(t *testing.T) {
	scripts(t, map[string]string{
		"until upstream agrees for twice the old TTL": `
			t=0 upstream 10.0.0.1
			t=5 override 10.0.0.2 by=ops
			t=5 pin 10.0.0.2
			t=5 log override with 10.0.0.2 for 24h0m0s by ops
			t=6..44 upstream 10.0.0.1
			t=44 pin 10.0.0.2
			t=45..64 upstream 10.0.0.2
			t=64 pin 10.0.0.2
			t=65 upstream 10.0.0.2
			t=65 log ended: upstream has agreed for 20s
			t=65 pin none`,
		"one old answer begins the count anew": `
			t=0 upstream 10.0.0.1
			t=5 override 10.0.0.2
			t=6..24 upstream 10.0.0.2
			t=25 upstream 10.0.0.1
			t=26..45 upstream 10.0.0.2
			t=45 pin 10.0.0.2
			t=46 upstream 10.0.0.2
			t=46 log ended: upstream has agreed`,
		"failures say nothing": `
			t=0 upstream 10.0.0.1
			t=5 override 10.0.0.2
			t=6 upstream 10.0.0.2
			t=7..25 upstream failed
			t=25 pin 10.0.0.2
			t=26 upstream 10.0.0.2
			t=26 pin none`,
		"what was not heard for half a minute is not known": `
			t=0 upstream 10.0.0.1
			t=5 override 10.0.0.2
			t=6 upstream 10.0.0.2
			t=7..60 upstream failed
			t=61 upstream 10.0.0.2
			t=61 pin 10.0.0.2`,
		"upstream agreed already: two minutes": `
			t=0 upstream 10.0.0.1
			t=5 override 10.0.0.1
			t=6..125 upstream 10.0.0.1
			t=125 pin 10.0.0.1
			t=126 upstream 10.0.0.1
			t=126 log ended: upstream has agreed for 2m0s`,
		"not known before: two minutes": `
			t=5 override 10.0.0.1
			t=6..125 upstream 10.0.0.1
			t=125 pin 10.0.0.1
			t=126 upstream 10.0.0.1
			t=126 pin none`,
		"the old TTL is learnt meanwhile": `
			t=0 upstream 10.0.0.1 ttl=2
			t=5 override 10.0.0.2
			t=6 upstream 10.0.0.1 ttl=15
			t=7..36 upstream 10.0.0.2 ttl=60
			t=36 pin 10.0.0.2
			t=37 upstream 10.0.0.2 ttl=60
			t=37 log ended: upstream has agreed for 30s`,
		"somebody switched again": `
			t=0 upstream 10.0.0.1
			t=5 override 10.0.0.2
			t=6..9 upstream 10.0.0.1
			t=10..19 upstream 10.0.0.3
			t=19 pin 10.0.0.2
			t=20 upstream 10.0.0.3
			t=20 log third thing, 10.0.0.3
			t=20 pin 10.0.0.3
			t=21 upstream 10.0.0.2
			t=22 upstream 10.0.0.1
			t=22 pin 10.0.0.3`,
		"a third thing that does not stand": `
			t=0 upstream 10.0.0.1
			t=5 override 10.0.0.2
			t=6..14 upstream 10.0.0.3
			t=15 upstream 10.0.0.1
			t=16..25 upstream 10.0.0.3
			t=25 pin 10.0.0.2
			t=26..35 upstream 10.0.0.4
			t=35 pin 10.0.0.2`,
		"a denial is no third thing": `
			t=0 upstream 10.0.0.1
			t=5 override 10.0.0.2
			t=6..200 upstream none
			t=200 pin 10.0.0.2`,
		"what the guard refuses is no third thing": `
			t=0 upstream 10.0.0.1
			t=3 upstream 10.0.0.2
			t=5 override 10.0.0.3
			t=6..60 upstream 10.0.0.1
			t=60 pin 10.0.0.3`,
		"there and back in ten seconds": `
			t=0 upstream 10.0.0.1
			t=5 override 10.0.0.2 lease=a set=5
			t=6 confirm a
			t=9 override 10.0.0.1 lease=b set=9
			t=9 pin 10.0.0.1
			t=10 confirm b
			t=11..29 upstream 10.0.0.2
			t=29 pin 10.0.0.1
			t=30..149 upstream 10.0.0.1
			t=149 pin 10.0.0.1
			t=150 upstream 10.0.0.1
			t=150 log ended: upstream has agreed for 2m0s
			t=151 upstream 10.0.0.1
			t=151 current 10.0.0.1`,
		"the change before the way back comes late, and the override is deleted": `
			t=0 upstream 10.0.0.1
			t=5 override 10.0.0.2 set=5
			t=9 override 10.0.0.1 set=9
			t=10..40 upstream 10.0.0.1
			t=41..59 upstream 10.0.0.2
			t=60 upstream 10.0.0.1
			t=61 delete
			t=61 pin 10.0.0.1
			t=62 upstream 10.0.0.2
			t=62 pin 10.0.0.1`,
		"what the one before gave is refused": `
			t=0 upstream 10.0.0.1
			t=5 override 10.0.0.2 set=5
			t=9 override 10.0.0.1 set=9
			t=10 upstream 10.0.0.2
			t=11 upstream 10.0.0.1
			t=12 upstream 10.0.0.2
			t=12 current 10.0.0.1
			t=13 delete
			t=13 pin 10.0.0.1`,
		"a third value meanwhile": `
			t=0 upstream 10.0.0.1
			t=5 override 10.0.0.2 set=5
			t=9 override 10.0.0.3 set=9
			t=10..40 upstream 10.0.0.1
			t=41..60 upstream 10.0.0.2
			t=60 pin 10.0.0.3
			t=60 current 10.0.0.2
			t=61 upstream 10.0.0.3
			t=62 upstream 10.0.0.1
			t=63 upstream 10.0.0.2
			t=64..85 upstream 10.0.0.3
			t=85 pin none
			t=85 current 10.0.0.3`,
		"the operator is believed over the guard": `
			t=0 upstream 10.0.0.1
			t=5 upstream 10.0.0.2
			t=7 override 10.0.0.1
			t=7 pin 10.0.0.1
			t=8 upstream 10.0.0.1
			t=8 current 10.0.0.1
			t=9 upstream 10.0.0.2
			t=9 current 10.0.0.1
			t=9 delete
			t=9 pin 10.0.0.1`,
		"deleted before upstream knew of it": `
			t=0 upstream 10.0.0.1
			t=5 override 10.0.0.2
			t=6 upstream 10.0.0.1
			t=7 delete
			t=7 log it was deleted; upstream says 10.0.0.1
			t=7 pin none
			t=7 refuses delete`,
		"deleted while upstream says what the one before gave": `
			t=0 upstream 10.0.0.1
			t=5 override 10.0.0.2 set=5
			t=6 upstream 10.0.0.2
			t=7 override 10.0.0.1 set=7
			t=8 upstream 10.0.0.2
			t=9 delete
			t=9 pin none
			t=9 current 10.0.0.2`,
		"expires, with a warning": `
			t=0 upstream 10.0.0.1
			t=0 override 10.0.0.2 for=2h
			t=3599 quiet expires
			t=3600 log expires in 1h0m0s
			t=7199 pin 10.0.0.2
			t=7200 pin none
			t=7200 log it was set for 2h0m0s`,
		"a short one expires without": `
			t=0 override 10.0.0.2 for=60s
			t=59 pin 10.0.0.2
			t=59 quiet expires
			t=60 pin none`,
		"a lease that is not confirmed": `
			t=0 upstream 10.0.0.1
			t=1 override 10.0.0.2 lease=a
			t=10 pin 10.0.0.2
			t=11 pin none
			t=11 log it was not confirmed in 10s
			t=11 refuses confirm a`,
		"a lease that is": `
			t=0 upstream 10.0.0.1
			t=1 override 10.0.0.2 lease=a
			t=2 refuses confirm b
			t=3 confirm a
			t=4 confirm a
			t=60 pin 10.0.0.2
			t=61 withdraw a
			t=61 pin none
			t=61 refuses withdraw a`,
		"a lease does not end by agreement": `
			t=0 upstream 10.0.0.1 ttl=1
			t=1 override 10.0.0.2 lease=a
			t=1..8 upstream 10.0.0.2
			t=8 confirm a
			t=8 pin 10.0.0.2
			t=9 upstream 10.0.0.2
			t=9 log ended: upstream has agreed`,
		"a lease that is withdrawn brings back what it replaced": `
			t=0 upstream 10.0.0.1
			t=1 override 10.0.0.2 set=1
			t=2 override 10.0.0.3 lease=a set=2
			t=2 pin 10.0.0.3
			t=3 withdraw a
			t=3 pin 10.0.0.2
			t=3 log is in force again
			t=4 delete
			t=4 pin none`,
		"what a lease replaced is judged anew": `
			t=0 upstream 10.0.0.1
			t=1 override 10.0.0.2 set=1
			t=2..10 upstream 10.0.0.2
			t=11 override 10.0.0.3 lease=a set=11
			t=15 upstream 10.0.0.1
			t=20 withdraw a
			t=21..40 upstream 10.0.0.2
			t=40 pin 10.0.0.2
			t=40 quiet agreed
			t=41 upstream 10.0.0.2
			t=41 log upstream has agreed for 20s`,
		"two leases after each other bring back what the first replaced": `
			t=0 upstream 10.0.0.1
			t=1 override 10.0.0.2 set=1
			t=2 override 10.0.0.3 lease=a set=2
			t=3 override 10.0.0.4 lease=b set=3
			t=13 pin 10.0.0.2`,
		"the same again renews": `
			t=0 upstream 10.0.0.1
			t=1 override 10.0.0.2 for=20s set=1
			t=15 override 10.0.0.2 for=60s lease=a set=15
			t=16 confirm a
			t=74 pin 10.0.0.2
			t=75 pin none`,
		"the same again with a lease that ends": `
			t=0 upstream 10.0.0.1
			t=1 override 10.0.0.2 set=1
			t=15 override 10.0.0.2 lease=a set=15
			t=25 pin 10.0.0.2
			t=60 pin 10.0.0.2`,
		"the later control time wins": `
			t=5 override 10.0.0.2 set=4 by=b
			t=6 refuses override 10.0.0.3 set=3
			t=6 pin 10.0.0.2
			t=7 override 10.0.0.3 set=5
			t=7 pin 10.0.0.3`,
		"of one moment both forwarders choose the same (one order)": `
			t=5 override 10.0.0.2 set=4
			t=6 override 10.0.0.3 set=4
			t=6 pin 10.0.0.3`,
		"of one moment both forwarders choose the same (the other)": `
			t=5 override 10.0.0.3 set=4
			t=6 refuses override 10.0.0.2 set=4
			t=6 pin 10.0.0.3`,
		"clocks that are far apart": `
			t=5 refuses override 10.0.0.2 set=400
			t=5 override 10.0.0.2 set=300`,
		"an answer that was asked before says nothing": `
			t=0 upstream 10.0.0.1 ttl=1
			t=5 override 10.0.0.2
			t=6 upstream 10.0.0.3 asked=4
			t=7..9 upstream 10.0.0.3
			t=9 pin 10.0.0.2`,
		"over a restart": `
			t=0 upstream 10.0.0.1
			t=5 override 10.0.0.2 by=ops for=100s
			t=6..9 upstream 10.0.0.1
			t=10 restart
			t=10 pin 10.0.0.2
			t=11 asks
			t=12..20 upstream 10.0.0.2
			t=21 restart
			t=22..31 upstream 10.0.0.2
			t=31 pin 10.0.0.2
			t=32 upstream 10.0.0.2
			t=32 log override with 10.0.0.2 by ops ended: upstream has agreed`,
		"a lease over a restart": `
			t=0 upstream 10.0.0.1
			t=1 override 10.0.0.3 set=1
			t=5 override 10.0.0.2 lease=a set=5
			t=6 restart
			t=14 pin 10.0.0.2
			t=15 pin 10.0.0.3`,
		"its expiry over a restart": `
			t=0 override 10.0.0.2 for=20s
			t=10 restart
			t=19 pin 10.0.0.2
			t=20 pin none`,
	})
}

// An override that runs out while nobody runs ends as soon as somebody does.
func TestOverrideExpiresMeanwhile(t *testing.T) {
	l := play(t, "t=0 override 10.0.0.2 for=20s")
	state, _ := l.AppendState(nil, l.moment())
	l.Table, l.now = newTable(), time.Minute
	if err := l.Load(state, l.moment()); err != nil {
		t.Fatal(err)
	}
	l.Tick(l.moment())
	if got := l.pinned(); got != nil {
		t.Errorf("pinned %v, want nothing", got)
	}
}

func TestOverrideRefuses(t *testing.T) {
	many := make([]string, maxOverrideData+1)
	for i := range many {
		many[i] = "10.0.0." + string(rune('0'+i%10)) + string(rune('0'+i/10))
	}
	a := func(data ...string) Override { return Override{Name: "www.corp.example", Type: dns.TypeA, Data: data} }
	tests := []struct {
		name string
		o    Override
		err  error
	}{
		{"no data", a(), ErrBadData},
		{"too many", a(many...), ErrBadData},
		{"no address", a("10.0.0"), ErrBadData},
		{"an IPv6 address", a("fd00::1"), ErrBadData},
		{"blank", a(" "), ErrBadData},
		{"a comment", a("; 10.0.0.1"), ErrBadData},
		{"two records", a("10.0.0.1\nwww 0 IN A 10.0.0.2"), ErrBadData},
		{"two addresses", a("10.0.0.1 10.0.0.2"), ErrBadData},
		{"an include", a("$INCLUDE /etc/passwd"), ErrBadData},
		{"0.0.0.0", a("0.0.0.0"), ErrBadData},
		{"multicast", a("224.0.0.1"), ErrBadData},
		{"CNAME", Override{Name: "www.corp.example", Type: dns.TypeCNAME, Data: []string{"a."}}, ErrBadData},
		{"DNAME", Override{Name: "www.corp.example", Type: dns.TypeDNAME, Data: []string{"a."}}, ErrBadData},
		{"NS", Override{Name: "www.corp.example", Type: dns.TypeNS, Data: []string{"a."}}, ErrBadData},
		{"SOA", Override{Name: "www.corp.example", Type: dns.TypeSOA, Data: []string{"a. b. 1 1 1 1 1"}}, ErrBadData},
		{"DS", Override{Name: "www.corp.example", Type: dns.TypeDS, Data: []string{"1 8 2 00"}}, ErrBadData},
		{"RRSIG", Override{Name: "www.corp.example", Type: dns.TypeRRSIG, Data: []string{"A"}}, ErrBadData},
		{"ANY", Override{Name: "www.corp.example", Type: dns.TypeANY, Data: []string{"10.0.0.1"}}, ErrBadData},
		{"OPT", Override{Name: "www.corp.example", Type: dns.TypeOPT, Data: []string{"x"}}, ErrBadData},
		{"TSIG", Override{Name: "www.corp.example", Type: dns.TypeTSIG, Data: []string{"x"}}, ErrBadData},
		{"type 0", Override{Name: "www.corp.example", Data: []string{"x"}}, ErrBadData},
		{"unknown type", Override{Name: "www.corp.example", Type: 4000, Data: []string{"x"}}, ErrBadData},
		{"no name", Override{Type: dns.TypeA, Data: []string{"10.0.0.1"}}, ErrBadName},
		{"the root", Override{Name: ".", Type: dns.TypeA, Data: []string{"10.0.0.1"}}, ErrBadName},
		{"a wildcard", Override{Name: "*.corp.example", Type: dns.TypeA, Data: []string{"10.0.0.1"}}, ErrBadName},
		{"a long label", Override{Name: strings.Repeat("a", 64) + ".corp.example", Type: dns.TypeA, Data: []string{"10.0.0.1"}}, ErrBadName},
		{"elsewhere", Override{Name: "www.example", Type: dns.TypeA, Data: []string{"10.0.0.1"}}, ErrNotAllowed},
		{"for too long", Override{Name: "www.corp.example", Type: dns.TypeA, Data: []string{"10.0.0.1"}, For: 25 * time.Hour}, nil},
		{"for a negative time", Override{Name: "www.corp.example", Type: dns.TypeA, Data: []string{"10.0.0.1"}, For: -1}, nil},
		{"a long lease", Override{Name: "www.corp.example", Type: dns.TypeA, Data: []string{"10.0.0.1"}, Lease: "a", LeaseFor: time.Hour}, nil},
	}
	for _, tt := range tests {
		table := newTable()
		err := table.AddOverride(tt.o, Moment{time.Hour, day})
		if err == nil || tt.err != nil && !errors.Is(err, tt.err) {
			t.Errorf("%s: AddOverride = %v, want %v", tt.name, err, tt.err)
		}
		if table.Pins() != nil || len(table.Overrides(Moment{time.Hour, day})) > 0 {
			t.Errorf("%s: it is in force", tt.name)
		}
	}
}

func TestOverrideData(t *testing.T) {
	tests := []struct {
		rtype uint16
		data  []string
		want  string
	}{
		{dns.TypeA, []string{"10.0.0.2", "10.0.0.1", "10.0.0.2"}, "10.0.0.1, 10.0.0.2"},
		{dns.TypeAAAA, []string{"FD00:0::1"}, "fd00::1"},
		{dns.TypeMX, []string{"10 Mail.Corp.Example."}, "10 mail.corp.example."},
		{dns.TypeSRV, []string{"0 0 443 www.corp.example."}, "0 0 443 www.corp.example."},
		{dns.TypeTXT, []string{`"Two words"`}, `"Two words"`},
		{dns.TypeHTTPS, []string{"1 . alpn=h2"}, `1 . alpn="h2"`},
	}
	for _, tt := range tests {
		table, m := newTable(), Moment{time.Hour, day}
		if err := table.AddOverride(Override{Name: "WWW.corp.example.", Type: tt.rtype, Data: tt.data}, m); err != nil {
			t.Errorf("AddOverride(%v) = %v", tt.data, err)
			continue
		}
		o := table.Overrides(m)[0]
		if got := strings.Join(o.Data, ", "); got != tt.want || o.Name != "www.corp.example" {
			t.Errorf("AddOverride(%v) gives %s %q, want %q", tt.data, o.Name, got, tt.want)
		}
		if !table.Wants([]byte("\x03www\x04corp\x07example\x00")) || !table.Pins().Has([]byte("\x03www\x04corp\x07example\x00")) {
			t.Errorf("%v: the name is not wanted", tt.data)
		}
	}
}

// Overrides end when the rules do not allow them any more.
func TestSetRules(t *testing.T) {
	l := play(t, "t=0 override 10.0.0.2")
	l.SetRules(nil)
	l.play(`
		t=1 pin none
		t=1 log below no explicit forward zone`)
}
