package config

import (
	"net/netip"
	"testing"
	"time"
)

func TestClientWait(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{
		0: MaxClientWait, time.Second: time.Second, MaxClientWait: MaxClientWait, 10 * time.Second: MaxClientWait,
	} {
		l := Limits{ResolverQueryTimeout: timeout}
		if got := l.ClientWait(); got != want {
			t.Errorf("ClientWait() for %v = %v, want %v", timeout, got, want)
		}
	}
}

func TestServerFor(t *testing.T) {
	yes, no := true, false
	cfg := &Config{
		EDNS: EDNS{UDPSize: 1232, SendCookie: true},
		Servers: []Server{
			{Prefix: netip.MustParsePrefix("10.1.0.0/16"), EDNS: &yes, TCPOnly: true},
			{Prefix: netip.MustParsePrefix("10.0.0.0/8"), Bogus: true, EDNS: &no, SendCookie: &no, UDPSize: 512},
			{Prefix: netip.MustParsePrefix("fe80::/10"), TCPOnly: true},
		},
	}
	type settings struct {
		bogus, edns, tcpOnly, cookie bool
		size                         uint16
	}
	for addr, want := range map[string]settings{
		"192.0.2.1":        {edns: true, cookie: true, size: 1232},
		"10.2.0.1":         {bogus: true, size: 512},
		"10.1.0.1":         {edns: true, tcpOnly: true, cookie: true, size: 1232},
		"::ffff:10.1.0.1":  {edns: true, tcpOnly: true, cookie: true, size: 1232},
		"fe80::1%eth0":     {edns: true, tcpOnly: true, cookie: true, size: 1232},
		"2001:db8::a01:1":  {edns: true, cookie: true, size: 1232},
		"::ffff:192.0.2.1": {edns: true, cookie: true, size: 1232},
	} {
		s := cfg.ServerFor(netip.MustParseAddr(addr))
		got := settings{bogus: s.Bogus, edns: *s.EDNS, tcpOnly: s.TCPOnly, cookie: *s.SendCookie, size: s.UDPSize}
		if got != want {
			t.Errorf("ServerFor(%s) = %+v, want %+v", addr, got, want)
		}
	}
}
