package upstream

import "testing"

// TestThrottle: each row is a course of readings: by how much the counter grew,
// how often in a row, and the budget after the last of them.
func TestThrottle(t *testing.T) {
	type readings struct {
		grown uint64
		times int
		pps   int
		last  Change
	}
	tests := []struct {
		name   string
		limit  int
		course []readings
	}{
		{"calm", 900, []readings{{0, 1000, 900, NoChange}}},
		{"once", 900, []readings{
			{5, 1, 450, Began}, {0, throttleHold - 1, 450, NoChange}, {0, 1, 506, NoChange},
			{0, 7, 898, NoChange}, {0, 1, 900, NoChange},
			{0, throttleOver - throttleHold - 9, 900, NoChange}, {0, 1, 900, Ended}, {0, 1000, 900, NoChange},
		}},
		{"what is late counts once", 900, []readings{
			{5, 1, 450, Began}, {5, throttleGrace - 1, 450, NoChange}, {5, 1, 225, NoChange},
		}},
		{"down to the floor", 900, []readings{{1, 1000, 112, NoChange}, {0, throttleHold + 14, 900, NoChange}}},
		{"again while it recovers", 900, []readings{
			{1, 1, 450, Began}, {0, throttleHold + 1, 562, NoChange}, {1, 1, 281, NoChange},
			{0, throttleHold - 1, 281, NoChange}, {0, 1, 337, NoChange},
		}},
		{"one packet a second", 1, []readings{{1, 100, 1, NoChange}, {0, throttleOver, 1, Ended}}},
		{"no limit", 0, []readings{{1, 1, 0, Began}, {1, 100, 0, NoChange}, {0, throttleOver, 0, Ended}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			th := NewThrottle(test.limit)
			for i, r := range test.course {
				var last Change
				for range r.times {
					last = th.Read(r.grown)
				}
				if th.PPS() != r.pps || last != r.last {
					t.Errorf("course %d: after %d readings of %d the budget is %d, the change %d, want %d, %d",
						i, r.times, r.grown, th.PPS(), last, r.pps, r.last)
				}
			}
		})
	}
}
