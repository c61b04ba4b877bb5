package watch

import (
	"fmt"
	"testing"
)

// A set that is too large to be remembered is neither a change nor a way back.
func TestLargeSets(t *testing.T) {
	large := ""
	for i := range 200 {
		large += fmt.Sprintf(" 10.1.0.%d", i)
	}
	l := play(t, `
		t=0 upstream`+large+`
		t=1 pin none
		t=1 upstream 10.0.0.1
		t=5 upstream`+large+`
		t=5 pin none
		t=5 guard off
		t=6 upstream 10.0.0.2
		t=7 upstream`+large+`
		t=7 pin 10.0.0.2
		t=7 guard on`)
	if n := len(l.Table.names); n != 1 {
		t.Errorf("%d names have state, want 1", n)
	}
}

func TestGuard(t *testing.T) {
	scripts(t, map[string]string{
		"nothing known": `
			t=0 pin none
			t=1 upstream 10.0.0.1
			t=1 pin none
			t=2 idle`,
		"a change": `
			t=0 upstream 10.0.0.1
			t=5 upstream 10.0.0.2
			t=5 pin 10.0.0.2
			t=5 log changed at upstream from 10.0.0.1 to 10.0.0.2
			t=6 asks
			t=6..24 upstream 10.0.0.2
			t=24 guard on
			t=25 upstream 10.0.0.2
			t=25 guard off
			t=25 pin none
			t=26 idle`,
		"order and double records are no change": `
			t=0 upstream 10.0.0.1 10.0.0.2
			t=5 upstream 10.0.0.2 10.0.0.1 10.0.0.2
			t=5 guard off
			t=5 quiet changed`,
		"the pin outlives its TTL": `
			t=0 upstream 10.0.0.1
			t=5 upstream 10.0.0.2 ttl=1
			t=6..60 upstream failed
			t=60 pin 10.0.0.2
			t=60 guard on
			t=125 guard off
			t=125 log refused no longer, 2m0s after the change`,
		"the greatest TTL counts": `
			t=0 upstream 10.0.0.1 ttl=30
			t=20 upstream 10.0.0.1 ttl=3
			t=21 upstream 10.0.0.2 ttl=5
			t=22..80 upstream 10.0.0.2
			t=80 guard on
			t=81 upstream 10.0.0.2
			t=81 guard off`,
		"the old one comes with a greater TTL": `
			t=0 upstream 10.0.0.1 ttl=2
			t=5 upstream 10.0.0.2
			t=6 upstream 10.0.0.1 ttl=15
			t=7..36 upstream 10.0.0.2
			t=36 guard on
			t=37 upstream 10.0.0.2
			t=37 guard off`,
		"TTL 0 is guarded as 1": `
			t=0 upstream 10.0.0.1 ttl=0
			t=5 upstream 10.0.0.2 ttl=0
			t=6 upstream 10.0.0.2
			t=6 guard on
			t=7 upstream 10.0.0.2
			t=7 guard off`,
		"the old one comes again": `
			t=0 upstream 10.0.0.1
			t=5 upstream 10.0.0.2
			t=8 upstream 10.0.0.1
			t=8 pin 10.0.0.2
			t=8 log upstream gives 10.0.0.1 again
			t=9..28 upstream 10.0.0.2
			t=28 guard on
			t=29 upstream 10.0.0.2
			t=29 guard off
			t=29 current 10.0.0.2`,
		"flaps for half a minute": `
			t=0 upstream 10.0.0.1
			t=5 upstream 10.0.0.2
			t=6 upstream 10.0.0.1
			t=6 log again
			t=7..35 upstream 10.0.0.1
			t=35 quiet again
			t=35 pin 10.0.0.2
			t=36..56 upstream 10.0.0.2
			t=56 guard off`,
		"a third value in the middle leaves two behind": `
			t=0 upstream 10.0.0.1
			t=5 upstream 10.0.0.2
			t=8 upstream 10.0.0.3
			t=8 pin 10.0.0.3
			t=9 upstream 10.0.0.1
			t=10 upstream 10.0.0.2
			t=10 pin 10.0.0.3
			t=11..40 upstream 10.0.0.3
			t=40 guard off
			t=128 upstream 10.0.0.1
			t=128 pin 10.0.0.1`,
		"a way back that nobody told of waits two minutes": `
			t=0 upstream 10.0.0.1
			t=5 upstream 10.0.0.2
			t=6..124 upstream 10.0.0.1
			t=124 pin 10.0.0.2
			t=125 log still came 1s ago
			t=125 pin none
			t=125 upstream 10.0.0.1
			t=125 pin 10.0.0.1
			t=125 guard on`,
		"both kinds after two minutes: it varies": `
			t=0 upstream 10.0.0.1
			t=5 upstream 10.0.0.2
			t=6..110 upstream 10.0.0.1
			t=111 upstream 10.0.0.2
			t=112..124 upstream 10.0.0.1
			t=125 varies
			t=125 log varies (weighted
			t=126 upstream 10.0.0.1
			t=127 upstream 10.0.0.2
			t=128 pin none
			t=128 quiet changed
			t=129 idle
			t=140 upstream 10.0.0.2
			t=226 upstream 10.0.0.2
			t=226 varies
			t=227 upstream 10.0.0.2
			t=227 steady
			t=227 log has stood
			t=228 upstream 10.0.0.1
			t=228 guard on`,
		"five changes in a minute: it varies": `
			t=0 upstream 10.0.0.1
			t=1 upstream 10.0.0.2
			t=2 upstream 10.0.0.3
			t=3 upstream 10.0.0.4
			t=59 upstream 10.0.0.5
			t=59 steady
			t=61 upstream 10.0.0.6
			t=61 varies
			t=61 pin none`,
		"five changes in more than a minute": `
			t=0 upstream 10.0.0.1
			t=1 upstream 10.0.0.2
			t=2 upstream 10.0.0.3
			t=3 upstream 10.0.0.4
			t=59 upstream 10.0.0.5
			t=62 upstream 10.0.0.6
			t=62 steady
			t=62 pin 10.0.0.6`,
		"an answer that was asked before comes late": `
			t=0 upstream 10.0.0.1
			t=5 upstream 10.0.0.2
			t=6 upstream 10.0.0.1 asked=4
			t=6 quiet again
			t=7..25 upstream 10.0.0.2
			t=25 guard off
			t=26 upstream 10.0.0.1 asked=20
			t=26 pin none
			t=26 current 10.0.0.2`,
		"a denial is believed, and refuses nothing": `
			t=0 upstream 10.0.0.1
			t=5 upstream none
			t=5 pin none
			t=5 log denies
			t=5 current none
			t=6 upstream 10.0.0.1
			t=6 current 10.0.0.1
			t=6 guard on
			t=7 upstream none
			t=7 pin 10.0.0.1`,
		"an address after a denial leaves the one before it behind": `
			t=0 upstream 10.0.0.1
			t=5 upstream none
			t=9 upstream 10.0.0.2
			t=9 pin 10.0.0.2
			t=10 upstream 10.0.0.1
			t=11 upstream none
			t=11 pin 10.0.0.2
			t=12..31 upstream 10.0.0.2
			t=31 guard on
			t=32 upstream 10.0.0.2
			t=32 guard off`,
		"a denial while a change spreads waits": `
			t=0 upstream 10.0.0.1
			t=5 upstream 10.0.0.2
			t=6..24 upstream none
			t=24 pin 10.0.0.2
			t=25 upstream none
			t=25 pin none
			t=26 upstream none
			t=26 current none`,
		"cleared": `
			t=0 refuses clear
			t=0 upstream 10.0.0.1
			t=0 refuses clear
			t=5 upstream 10.0.0.2
			t=6 clear
			t=6 pin none
			t=6 log cleared by command
			t=6 upstream 10.0.0.1
			t=6 pin 10.0.0.1`,
		"over a restart": `
			t=0 upstream 10.0.0.1
			t=5 upstream 10.0.0.2
			t=6..14 upstream 10.0.0.2
			t=15 upstream 10.0.0.1
			t=16 restart
			t=16 pin 10.0.0.2
			t=17 asks
			t=17 upstream 10.0.0.1
			t=17 pin 10.0.0.2
			t=18..37 upstream 10.0.0.2
			t=37 guard on
			t=38 upstream 10.0.0.2
			t=38 guard off`,
		"two minutes pass over a restart": `
			t=0 upstream 10.0.0.1
			t=5 upstream 10.0.0.2
			t=100 upstream 10.0.0.1
			t=101 restart
			t=124 upstream 10.0.0.1
			t=124 pin 10.0.0.2
			t=125 upstream 10.0.0.1
			t=125 pin 10.0.0.1`,
		"varies over a restart": `
			t=0 upstream 10.0.0.1
			t=1 upstream 10.0.0.2
			t=2 upstream 10.0.0.3
			t=3 upstream 10.0.0.4
			t=4 upstream 10.0.0.5
			t=5 restart
			t=6 upstream 10.0.0.6
			t=6 upstream 10.0.0.7
			t=6 varies`,
	})
}

func scripts(t *testing.T, tests map[string]string) {
	for name, script := range tests {
		t.Run(name, func(t *testing.T) { play(t, script) })
	}
}
