package watch

import "testing"

func TestGuard(t *testing.T) {
	tests := map[string]string{
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
			t=26 upstream 10.0.0.2
			t=26 guard off
			t=26 pin none
			t=27 idle`,
		"the old one comes again": `
			t=0 upstream 10.0.0.1
			t=5 upstream 10.0.0.2
			t=8 upstream 10.0.0.1
			t=8 pin 10.0.0.2
			t=8 log upstream gives 10.0.0.1 again
			t=9..27 upstream 10.0.0.2
			t=27 guard on
			t=28..29 upstream 10.0.0.2
			t=29 guard off
			t=29 current 10.0.0.2`,
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
			t=41 upstream 10.0.0.1
			t=41 pin 10.0.0.1`,
	}
	for name, script := range tests {
		t.Run(name, func(t *testing.T) { play(t, script) })
	}
}
