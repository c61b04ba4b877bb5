package watch

import (
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestVerify(t *testing.T) {
	tests := []struct {
		name, script string
		want         VerifyStatus // of what matters
	}{
		{"upstream takes to it", `
			t=0 upstream 10.0.0.1
			t=5 verify 10.0.0.2
			t=6 asks
			t=6..9 upstream 10.0.0.1
			t=10..20 upstream 10.0.0.2`,
			VerifyStatus{Asked: 15, New: 11, Old: 4, Steady: Seconds(10 * time.Second), Need: Seconds(10 * time.Second), Done: true, Running: true}},
		{"not long enough", `
			t=0 upstream 10.0.0.1 ttl=30
			t=5 verify 10.0.0.2
			t=6..35 upstream 10.0.0.2`,
			VerifyStatus{Asked: 30, New: 30, Steady: Seconds(29 * time.Second), Need: Seconds(30 * time.Second), Running: true}},
		{"it comes back, and a third value", `
			t=0 upstream 10.0.0.1
			t=5 verify 10.0.0.2
			t=6..15 upstream 10.0.0.2
			t=16 upstream 10.0.0.1
			t=17 upstream 10.0.0.3
			t=18 upstream none
			t=19 upstream failed
			t=20 upstream 10.0.0.2`,
			VerifyStatus{Asked: 15, New: 11, Old: 1, Third: 2, CameBack: 3, Need: Seconds(10 * time.Second), Running: true}},
		{"done, and then it comes back", `
			t=0 upstream 10.0.0.1
			t=5 verify 10.0.0.2
			t=6..16 upstream 10.0.0.2
			t=17 upstream 10.0.0.1`,
			VerifyStatus{Asked: 12, New: 11, Old: 1, CameBack: 1, Need: Seconds(10 * time.Second), Running: true}},
		{"answers of questions from before do not count", `
			t=0 upstream 10.0.0.1
			t=5 verify 10.0.0.2
			t=6 upstream 10.0.0.1 asked=4`,
			VerifyStatus{Need: Seconds(10 * time.Second), Running: true}},
		{"an override is not judged", `
			t=0 upstream 10.0.0.1
			t=5 override 10.0.0.2
			t=5 verify 10.0.0.2
			t=6..20 upstream 10.0.0.1
			t=20 pin 10.0.0.2`,
			VerifyStatus{Asked: 15, Old: 15, Need: Seconds(10 * time.Second), Running: true}},
		{"it ends", `
			t=0 upstream 10.0.0.1
			t=5 verify 10.0.0.2 for=10s
			t=6..14 upstream 10.0.0.1
			t=15 idle
			t=15 log not verified: upstream gave 10.0.0.1, never 10.0.0.2`,
			VerifyStatus{Asked: 9, Old: 9, Need: Seconds(10 * time.Second), Failed: "upstream gave 10.0.0.1, never 10.0.0.2"}},
		{"nobody answers", `
			t=5 verify 10.0.0.2
			t=6..124 upstream failed
			t=125 log not verified: upstream gave no answer`,
			VerifyStatus{Asked: 119, Need: Seconds(time.Second), Failed: "upstream gave no answer"}},
		{"it ends well", `
			t=0 upstream 10.0.0.1
			t=5 verify 10.0.0.2 for=20s
			t=6..24 upstream 10.0.0.2
			t=25 log verified: upstream gave only 10.0.0.2 in its last 19 answers`,
			VerifyStatus{Asked: 19, New: 19, Steady: Seconds(18 * time.Second), Need: Seconds(10 * time.Second), Done: true}},
		{"over a restart", `
			t=0 upstream 10.0.0.1
			t=5 verify 10.0.0.2
			t=6..9 upstream 10.0.0.1
			t=10 restart
			t=11 asks
			t=11..21 upstream 10.0.0.2`,
			VerifyStatus{Asked: 15, New: 11, Old: 4, Steady: Seconds(10 * time.Second), Need: Seconds(10 * time.Second), Done: true, Running: true}},
		{"again for another value", `
			t=0 upstream 10.0.0.1
			t=5 verify 10.0.0.2
			t=6 upstream 10.0.0.2
			t=7 verify 10.0.0.3
			t=8 upstream 10.0.0.2`,
			VerifyStatus{Asked: 1, Old: 1, Need: Seconds(10 * time.Second), Running: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := *play(t, tt.script).status().Verify
			got.Want, got.Since, got.Until, got.FirstNew, got.LastOld, got.Last = nil, time.Time{}, time.Time{}, time.Time{}, time.Time{}, nil
			if !equalVerify(got, tt.want) {
				t.Errorf("verify = %+v,\nwant %+v", got, tt.want)
			}
		})
	}
}

func equalVerify(a, b VerifyStatus) bool {
	return a.Asked == b.Asked && a.New == b.New && a.Old == b.Old && a.Third == b.Third && a.CameBack == b.CameBack &&
		a.Steady == b.Steady && a.Need == b.Need && a.Done == b.Done && a.Running == b.Running && a.Failed == b.Failed
}

// What is verified is pinned for its TTL, and no longer.
func TestVerifyPins(t *testing.T) {
	play(t, `
		t=0 upstream 10.0.0.1
		t=3 verify 10.0.0.2
		t=3 pin 10.0.0.1
		t=4 upstream 10.0.0.1 ttl=6
		t=9.9 pin 10.0.0.1
		t=10 pin none
		t=10 upstream 10.0.0.2
		t=10 pin 10.0.0.2
		t=40 pin 10.0.0.2`)
}

// A name that nobody watches is forgotten after its verification.
func TestVerifyUnwatched(t *testing.T) {
	l := play(t, "t=0 verify 10.0.0.2 for=10s")
	if err := l.Unwatch(l.name, l.moment()); err != nil {
		t.Fatal(err)
	}
	wire := []byte("\x03www\x04corp\x07example\x00")
	if !l.Wants(wire) {
		t.Error("a name that is verified is not wanted")
	}
	l.play("t=5 upstream 10.0.0.2 ttl=3")
	l.pass(10*time.Second + showVerify)
	if l.Wants(wire) || l.Stats().Names > 0 {
		t.Error("the name is wanted still")
	}
}

func TestVerifyRefuses(t *testing.T) {
	m := Moment{time.Hour, day}
	for _, tt := range []struct {
		name string
		data []string
		long time.Duration
	}{
		{"www.corp.example", nil, 0},
		{"www.corp.example", []string{"x"}, 0},
		{"www.corp.example", []string{"10.0.0.1"}, 2 * time.Hour},
		{"www.corp.example", []string{"10.0.0.1"}, -1},
		{strings.Repeat("a", 70), []string{"10.0.0.1"}, 0},
		{"", []string{"10.0.0.1"}, 0},
	} {
		table := newTable()
		if err := table.Verify(tt.name, dns.TypeA, tt.data, tt.long, m); err == nil || table.Stats().Names > 0 {
			t.Errorf("Verify(%q, %q, %v) = %v", tt.name, tt.data, tt.long, err)
		}
	}
}
