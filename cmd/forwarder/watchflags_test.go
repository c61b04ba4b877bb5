package main

import (
	"net/netip"
	"slices"
	"testing"

	"vpcdns/forwarder/config"
)

func TestStatePath(t *testing.T) {
	for _, tt := range []struct{ flag, directory, want string }{
		{"", "", ""},
		{"", "/var/lib/forwarder", "/var/lib/forwarder/state"},
		{"", "/var/lib/forwarder:/var/lib/other", "/var/lib/forwarder/state"},
		{"/srv/state", "", "/srv/state"},
		{"/srv/state", "/var/lib/forwarder", "/srv/state"},
	} {
		f := watchFlags{stateFile: tt.flag}
		if got := f.statePath(func(name string) string { return map[string]string{"STATE_DIRECTORY": tt.directory}[name] }); got != tt.want {
			t.Errorf("statePath with %q and STATE_DIRECTORY=%q = %q, want %q", tt.flag, tt.directory, got, tt.want)
		}
	}
}

// Of a name that upstream is not asked for no failover is ever seen.
func TestDoubts(t *testing.T) {
	server := []netip.AddrPort{netip.MustParseAddrPort("10.79.0.2:53")}
	cfg := &config.Config{
		Local: []config.LocalZone{{Name: "here.test."}},
		Zones: []config.ForwardZone{{Name: "corp.test.", Forwarders: server}, {Name: "none.corp.test."}},
	}
	f := watchFlags{names: watchedNames{"app.corp.test.", "*.corp.test.", "app.here.test.", "a.none.corp.test.", "*.elsewhere.test."}}
	want := []string{
		"--watch app.here.test: it is answered from the zone here.test here, so that no failover is seen",
		"--watch a.none.corp.test: it is forwarded nowhere: give its zone forwarders",
		"--watch *.elsewhere.test: it is forwarded nowhere: give its zone forwarders",
	}
	if got := f.doubts(cfg); !slices.Equal(got, want) {
		t.Errorf("doubts = %q, want %q", got, want)
	}
	cfg.Zones = append(cfg.Zones, config.ForwardZone{Name: ".", Forwarders: server})
	if got := f.doubts(cfg); !slices.Equal(got, want[:2]) {
		t.Errorf("doubts with global forwarders = %q, want %q", got, want[:2])
	}
}
