package health

import (
	"testing"

	"vpcdns/forwarder/host"
)

func TestGrowth(t *testing.T) {
	at := func(name string, n uint64) host.Exceeded {
		return host.Exceeded{Interface: name, Allowance: host.LinkLocal, Packets: n}
	}
	pps := func(n uint64) host.Exceeded { return host.Exceeded{Interface: "eth0", Allowance: "pps", Packets: n} }
	tests := []struct {
		name      string
		old, list []host.Exceeded
		want      uint64
	}{
		{name: "nothing", want: 0},
		{name: "first reading", list: []host.Exceeded{at("eth0", 7)}, want: 0},
		{name: "grown", old: []host.Exceeded{at("eth0", 7)}, list: []host.Exceeded{at("eth0", 9)}, want: 2},
		{name: "two interfaces", old: []host.Exceeded{at("eth0", 7), at("eth1", 1)}, list: []host.Exceeded{at("eth1", 4), at("eth0", 9)}, want: 5},
		{name: "reset", old: []host.Exceeded{at("eth0", 7)}, list: []host.Exceeded{at("eth0", 1)}, want: 0},
		{name: "another interface", old: []host.Exceeded{at("eth0", 7)}, list: []host.Exceeded{at("eth0", 7), at("eth1", 9)}, want: 0},
		{name: "another allowance", old: []host.Exceeded{at("eth0", 7), pps(1)}, list: []host.Exceeded{at("eth0", 7), pps(100)}, want: 0},
	}
	for _, test := range tests {
		if got := growth(test.old, test.list); got != test.want {
			t.Errorf("%s: growth = %d, want %d", test.name, got, test.want)
		}
	}
}
