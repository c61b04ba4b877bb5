package top

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/page"
	"vpcdns/forwarder/watch"
)

// sample is a document of a running forwarder.
func sample(t *testing.T) *page.Document {
	t.Helper()
	text, err := os.ReadFile("../page/sample.json")
	if err != nil {
		t.Fatal(err)
	}
	d, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const hostile = "\x1b]0;owned\x07\x1b[2J\u202eevil\n\u00e9\x00"

// hostileDocument is one whose every text is hostile.
func hostileDocument(t *testing.T) *page.Document {
	t.Helper()
	d := sample(t)
	d.Server.Name, d.Server.State, d.Config.Said, d.Config.File = hostile, hostile, hostile, hostile
	d.Server.Reasons, d.Server.Served = []string{hostile}, []string{hostile}
	d.Troubles = []page.Trouble{{Text: hostile, Kind: hostile}}
	d.Names = []page.Name{{Status: watch.Status{Name: hostile, Sets: []watch.SetStatus{{Type: hostile, Given: []string{hostile}, Pinned: hostile}}}}}
	d.Overrides = []watch.OverrideStatus{{Name: hostile, Type: hostile, By: hostile, Data: []string{hostile}}}
	d.Changes = []watch.Change{{Name: hostile, Type: hostile, New: []string{hostile}}}
	d.Hot = []page.Hot{{Name: hostile, Type: hostile}}
	d.Upstreams = []page.Upstream{{Server: hostile, State: hostile, Zones: []string{hostile}}}
	d.Peers = []page.Peer{{Address: hostile, State: "down", Fault: hostile, Disagreeing: []page.PeerName{{Name: hostile, Theirs: []string{hostile}}}}}
	d.Queries.ByRcode = map[string]uint64{hostile: 1}
	return d
}

// A text without end takes no screen without end, nor the time to lay one out.
func TestLongTexts(t *testing.T) {
	d := sample(t)
	d.Troubles = []page.Trouble{{Text: strings.Repeat("y ", maxEvent/2)}}
	s := screen{doc: d, width: 80, height: 24}
	if n := len(s.overview()); n > 200 {
		t.Errorf("the overview has %d lines", n)
	}
}

// The overview has the latest changes, the newest first, as the document does.
func TestLatestChanges(t *testing.T) {
	s := screen{width: 80, height: 40, doc: sample(t)}
	s.doc.Changes = []watch.Change{{Name: "fourth."}, {Name: "third."}, {Name: "second."}, {Name: "first."}}
	var changed []string
	for _, l := range s.overview() {
		if rest, ok := strings.CutPrefix(l.text, "changed"); ok {
			changed = append(changed, strings.Fields(rest)[1])
		}
	}
	if want := []string{"fourth.", "third.", "second."}; !slices.Equal(changed, want) {
		t.Errorf("the overview has changes of %v, want %v", changed, want)
	}
}

// Whatever others say, and however large the screen is, each line is printable and fits.
func TestScreenFits(t *testing.T) {
	for name, d := range map[string]*page.Document{"sample": sample(t), "hostile": hostileDocument(t), "nothing": {}, "none yet": nil} {
		for _, away := range []bool{false, true} {
			for v := range numViews {
				for width := 0; width < 140; width += 1 + width/20 {
					for _, height := range []int{0, 1, 2, 3, 5, 10, 24, 40} {
						s := screen{server: hostile, doc: d, view: v, width: width, height: height, help: width%2 == 1, filter: ""}
						if away {
							s.hear(nil, errors.New(hostile), time.Now())
						}
						checkLines(t, &s, name)
					}
				}
			}
		}
	}
}

func checkLines(t *testing.T, s *screen, name string) {
	t.Helper()
	list := s.lines(time.Now())
	if len(list) > s.height {
		t.Errorf("%s, view %d: %d lines on a screen of %d", name, s.view, len(list), s.height)
	}
	for _, l := range list {
		if len(l.text) > s.width {
			t.Errorf("%s, view %d: %q is wider than %d", name, s.view, l.text, s.width)
		}
		if l.text != clean(l.text) {
			t.Errorf("%s, view %d: %q is not clean", name, s.view, l.text)
		}
	}
}

func (s *screen) text() string {
	var b strings.Builder
	for _, l := range s.lines(time.Now()) {
		b.WriteString(l.text + "\n")
	}
	return b.String()
}

// Keys move between views, filter names, and quit.
func TestKeys(t *testing.T) {
	d := sample(t)
	d.Hot = []page.Hot{{Name: "www.corp.test", Type: "A"}, {Name: "app.corp.test", Type: "A"}}
	s := &screen{doc: d, width: 80, height: 24}
	for _, step := range []struct{ keys, want, not string }{
		{"", "[overview]", "[names]"},
		{"tab", "[names]", "[overview]"},
		{"tab", "[upstreams]", ""},
		{"tab", "www.corp.test", ""},
		{"/ w w w", "names with: www_", "app.corp.test"},
		{"backspace backspace backspace a p p enter", "app.corp.test", "www.corp.test"},
		{"esc", "www.corp.test", "names with"},
		{"tab", "[overview]", ""},
		{"shift+tab", "[hot]", ""},
		{"3", "[upstreams]", ""},
		{"?", "shift+tab", "ZONES"},
		{"?", "ZONES", "shift+tab"},
	} {
		for key := range strings.FieldsSeq(step.keys) {
			if s.press(key, map[bool]string{true: key}[len(key) == 1]) {
				t.Fatalf("%q quits", key)
			}
		}
		if got := s.text(); !strings.Contains(got, step.want) || step.not != "" && strings.Contains(got, step.not) {
			t.Errorf("after %q, want %q and no %q in\n%s", step.keys, step.want, step.not, got)
		}
	}
	if s.press("/", "/"); s.press("q", "q") || s.filter != "q" {
		t.Errorf("a q in the filter %q quits", s.filter)
	}
	if !s.press("ctrl+c", "") || s.press("esc", "") || !s.press("q", "q") {
		t.Error("q and ctrl+c do not quit")
	}
}

// What does not fit is a key away, and the last page stays on the screen.
func TestScroll(t *testing.T) {
	d := sample(t)
	d.Hot = nil
	for i := range 100 {
		d.Hot = append(d.Hot, page.Hot{Name: "n" + strings.Repeat("x", i%10) + ".corp.test", Type: "A", PerSecond: float64(i)})
	}
	s := &screen{doc: d, width: 80, height: 24, view: hot}
	if got := s.text(); !strings.Contains(got, "more lines: j k") || strings.Contains(got, " 99.0 ") {
		t.Errorf("the first page is\n%s", got)
	}
	for range 50 {
		s.press("space", " ")
	}
	if got := s.text(); !strings.Contains(got, " 99.0 ") || strings.Contains(got, "more lines") {
		t.Errorf("the last page is\n%s", got)
	}
	first := s.first
	if s.press("k", "k"); s.first != first-1 {
		t.Errorf("k goes from line %d to %d", first, s.first)
	}
}

// It says since when the server is away, shows what was so then, and takes it back.
func TestAway(t *testing.T) {
	s := &screen{width: 80, height: 24, server: "127.0.0.1#9153"}
	now := time.Now()
	s.hear(nil, errors.New("connection refused"), now)
	if got := s.text(); !strings.Contains(got, "AWAY: connection refused; asking again") {
		t.Errorf("without a document:\n%s", got)
	}
	s.hear(sample(t), nil, now)
	if got := s.text(); strings.Contains(got, "AWAY") {
		t.Errorf("with one:\n%s", got)
	}
	s.hear(nil, errors.New("it says nothing"), now.Add(-2*time.Minute))
	s.hear(nil, errors.New("connection refused"), now)
	if got := s.text(); !strings.Contains(got, "(2m 0s): connection refused") || !strings.Contains(got, "queries") {
		t.Errorf("after it has gone:\n%s", got)
	}
}

// The strip has a letter for each data, where it was given.
func TestStrip(t *testing.T) {
	now := time.Unix(1e9, 0)
	ago := func(minutes int) time.Time { return now.Add(-time.Duration(minutes) * time.Minute) }
	n := &page.Name{Strip: []page.Segment{
		{Type: "A", From: ago(10), Until: ago(8)},
		{Type: "A", From: ago(8), Until: ago(4), Data: []string{"10.0.0.1"}},
		{Type: "A", From: ago(4), Until: ago(1), Data: []string{"10.0.0.2"}},
		{Type: "A", From: ago(1), Until: now, Data: []string{"10.0.0.1"}},
		{Type: "AAAA", From: ago(15), Until: now, Data: []string{"::1"}},
	}}
	if got, want := strip(n, "A", now), "          ....AAAAAAAABBBBBBAA"; got != want {
		t.Errorf("strip = %q, want %q", got, want)
	}
}

// A document of another version is not guessed at.
func TestParse(t *testing.T) {
	for text, want := range map[string]string{`{"version":2}`: "of version 2", `{`: "reading its JSON", `[]`: "reading its JSON"} {
		if _, err := parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parse(%s) = %v, want %q", text, err, want)
		}
	}
	if _, err := parse([]byte(must(json.Marshal(page.Document{Version: page.Version})))); err != nil {
		t.Error(err)
	}
}

func must(text []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return text
}

// SINCE is when the data that is given came, also where an override says it.
func TestGivenSince(t *testing.T) {
	day := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	old, now := []string{"10.0.0.1"}, []string{"10.0.0.2"}
	changed := []page.Segment{{Type: "A", From: day, Data: old}, {Type: "A", From: day.Add(time.Hour), Data: now, Why: "override"}, {Type: "A", From: day.Add(2 * time.Hour), Data: now, Why: "upstream"}, {Type: "AAAA", From: day.Add(3 * time.Hour)}}
	set := &watch.SetStatus{Type: "A", Given: now, Since: day.Add(-time.Hour)}
	for name, c := range map[string]struct {
		strip []page.Segment
		want  time.Time
	}{
		"a change": {changed, day.Add(time.Hour)}, "no change in 15 minutes": {changed[1:], set.Since},
		"not seen yet": {changed[:1], set.Since}, "no strip": {nil, set.Since},
	} {
		if got := givenSince(&page.Name{Strip: c.strip}, set); !got.Equal(c.want) {
			t.Errorf("%s: given since %v, want %v", name, got, c.want)
		}
	}
}

// A time of another day has its date.
func TestMoment(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.Local)
	for want, at := range map[string]time.Time{"13:00:00": now.Add(time.Hour), "2026-11-30 12:00:00": now.AddDate(0, 0, 1), "-": {}} {
		if got := moment(at, now); got != want {
			t.Errorf("moment(%v) = %s, want %s", at, got, want)
		}
	}
}

// A peer with nothing in common does not agree.
func TestNothingToCompare(t *testing.T) {
	d := sample(t)
	d.Peers = []page.Peer{{Address: "10.79.2.10#53", State: "agrees", Names: 2}}
	s := &screen{doc: d, width: 120, height: 40}
	if got := s.text(); !strings.Contains(got, "10.79.2.10#53 answers: nothing to compare, as not both have one of 2 names cached") {
		t.Errorf("of a peer without common names:\n%s", got)
	}
}

// Of a name that is forgotten its latest changes are shown, not that nobody has asked.
func TestForgottenName(t *testing.T) {
	d := sample(t)
	d.Names = []page.Name{{Status: watch.Status{Name: "gone.example", History: []watch.Change{
		{Type: "A", New: []string{"10.79.2.20"}}, {Type: "AAAA", New: []string{"2001:db8::20"}}, {Type: "A", New: []string{"10.79.2.19"}},
	}}}, {Status: watch.Status{Name: "new.example"}}}
	s := screen{doc: d, width: 200, height: 24}
	var texts []string
	for _, l := range s.names() {
		texts = append(texts, l.text)
	}
	all := strings.Join(texts, "\n")
	for _, want := range []string{"10.79.2.20", "2001:db8::20"} {
		if !strings.Contains(all, want) {
			t.Errorf("the view lacks %s:\n%s", want, all)
		}
	}
	if strings.Contains(all, "10.79.2.19") || strings.Count(all, "nobody has asked") != 1 {
		t.Errorf("the view has an earlier change, or says of the wrong name that nobody has asked:\n%s", all)
	}
}
