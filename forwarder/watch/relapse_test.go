package watch

import "testing"

// A guard that was over too early is taken up again.
func TestRelapse(t *testing.T) {
	scripts(t, map[string]string{
		"a server that is old still": `
			t=0 upstream 10.0.0.1
			t=5 upstream 10.0.0.2
			t=6..25 upstream 10.0.0.2
			t=25 guard off
			t=30 upstream 10.0.0.1
			t=30 pin 10.0.0.2
			t=30 guard on
			t=30 log came again 25s after the change
			t=30 quiet upstream gives 10.0.0.1 again
			t=31 asks
			t=31..39 upstream 10.0.0.1
			t=39 pin 10.0.0.2
			t=40..59 upstream 10.0.0.2
			t=59 guard on
			t=60 upstream 10.0.0.2
			t=60 guard off
			t=60 current 10.0.0.2`,
		"over a restart": `
			t=0 upstream 10.0.0.1
			t=5 upstream 10.0.0.2
			t=6..25 upstream 10.0.0.2
			t=26 guard off
			t=27 restart
			t=30 upstream 10.0.0.1
			t=30 pin 10.0.0.2
			t=31 restart
			t=32..50 upstream 10.0.0.1
			t=51 pin 10.0.0.2
			t=52 upstream 10.0.0.1
			t=52 pin 10.0.0.1`,
		"once more": `
			t=0 upstream 10.0.0.1
			t=5 upstream 10.0.0.2
			t=6..25 upstream 10.0.0.2
			t=30 upstream 10.0.0.1
			t=31..51 upstream 10.0.0.2
			t=51 guard off
			t=60 upstream 10.0.0.1
			t=60 guard on
			t=60 pin 10.0.0.2
			t=60..124 upstream 10.0.0.2 10.0.0.1
			t=125 upstream 10.0.0.2`,
		"a way back": `
			t=0 upstream 10.0.0.1
			t=5 upstream 10.0.0.2
			t=6..25 upstream 10.0.0.2
			t=30..49 upstream 10.0.0.1
			t=49 pin 10.0.0.2
			t=50 upstream 10.0.0.1
			t=50 pin 10.0.0.1
			t=50 log changed at upstream from 10.0.0.2 to 10.0.0.1
			t=51 upstream 10.0.0.2
			t=51 pin 10.0.0.1`,
		"a way back that something contradicts": `
			t=0 upstream 10.0.0.1
			t=5 upstream 10.0.0.2
			t=6..25 upstream 10.0.0.2
			t=30..45 upstream 10.0.0.1
			t=46 upstream 10.0.0.2
			t=47..66 upstream 10.0.0.1
			t=66 pin 10.0.0.2
			t=67 upstream 10.0.0.1
			t=67 pin 10.0.0.1`,
		"two minutes after the change": `
			t=0 upstream 10.0.0.1
			t=5 upstream 10.0.0.2
			t=6..25 upstream 10.0.0.2
			t=125 upstream 10.0.0.1
			t=125 pin 10.0.0.1`,
		"a third value refuses both": `
			t=0 upstream 10.0.0.1
			t=5 upstream 10.0.0.2
			t=6..25 upstream 10.0.0.2
			t=30 upstream 10.0.0.3
			t=31 upstream 10.0.0.1
			t=31 pin 10.0.0.3`,
		"after an override": `
			t=0 upstream 10.0.0.1
			t=5 override 10.0.0.2
			t=6..26 upstream 10.0.0.2
			t=27 guard off
			t=27 log the override with 10.0.0.2
			t=30 upstream 10.0.0.1
			t=30 pin 10.0.0.2`,
		"the operator is believed": `
			t=0 upstream 10.0.0.1
			t=5 upstream 10.0.0.2
			t=6..25 upstream 10.0.0.2
			t=30 override 10.0.0.1
			t=30..50 upstream 10.0.0.1
			t=51 current 10.0.0.1`,
		"a cleared guard": `
			t=0 upstream 10.0.0.1
			t=5 upstream 10.0.0.2
			t=6..25 upstream 10.0.0.2
			t=30 upstream 10.0.0.1
			t=31 clear
			t=32 upstream 10.0.0.1
			t=32 pin 10.0.0.1`,
	})
}
