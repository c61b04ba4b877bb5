package doctor

import (
	"net/netip"
	"strings"
	"testing"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/host"
)

// What is dropped now is a problem, what was dropped once a warning.
func TestAllowances(t *testing.T) {
	tests := []struct {
		name          string
		before, after uint64
		state         State
		sees          string
	}{
		{"never", 0, 0, OK, "none was exceeded"},
		{"once", 7, 7, Warning, "eth0 has dropped 7 packets since it came up, none now (linklocal allowance)"},
		{"now", 7, 9, Problem, "eth0 drops packets: 2 in a second, 9 since it came up (linklocal allowance)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := &report{}
			tellAllowances(r, []host.Exceeded{{Interface: "eth0", Allowance: host.LinkLocal, Packets: test.before}}, []host.Exceeded{{Interface: "eth0", Allowance: host.LinkLocal, Packets: test.after}})
			one(t, r.findings, test.state, test.sees, "")
		})
	}
}

// A cache that there is no memory for is told of, and so is one that is tiny.
func TestMemory(t *testing.T) {
	for size, state := range map[int64]State{256 << 20: OK, 2 << 20: Warning, 0: Warning, 1 << 60: Warning} {
		cfg := config.Default()
		cfg.Cache.MaxSize = size
		one(t, findings(t, &Machine{Config: cfg}, checkMemory), state, "MiB", "")
	}
}

func TestFiles(t *testing.T) {
	m := &Machine{Config: config.Default(), Descriptors: 1}
	one(t, findings(t, m, checkFiles), OK, "1 may be needed", "")
	m.Descriptors = 1 << 62
	one(t, findings(t, m, checkFiles), Warning, "may be needed", "LimitNOFILE")
}

// Answers that do not come in one piece are told of.
func TestSize(t *testing.T) {
	cfg := forwards(zone, netip.MustParseAddrPort("127.0.0.1:53"))
	one(t, findings(t, &Machine{Config: cfg}, checkSize), OK, "1232 octets from servers", "")
	cfg.EDNS.MaxUDPSize = 4096
	one(t, findings(t, &Machine{Config: cfg}, checkSize), Warning, "clients may get 4096 octets", "max-udp-size 1232")
}

func TestAddress6(t *testing.T) {
	for digits, want := range map[string]string{
		"fe8000000000000000fc00fffe000001": "fe80::fc:ff:fe00:1",
		"00000000000000000000000000000001": "::1",
		"fe80":                             "fe80",
	} {
		if got := address6(digits); got != want {
			t.Errorf("address6(%s) = %s, want %s", digits, got, want)
		}
	}
}

// Each line has its state, its check and its remedy.
func TestWrite(t *testing.T) {
	var out strings.Builder
	Write(&out, []Finding{{"clock", OK, "it is synchronised", ""}, {"addresses", Problem, "taken", "stop it"}})
	want := "ok       clock                it is synchronised\nPROBLEM  addresses            taken: stop it\n"
	if out.String() != want {
		t.Errorf("Write gives\n%s\nwant\n%s", out.String(), want)
	}
}
