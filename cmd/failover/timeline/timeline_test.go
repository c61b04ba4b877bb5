package timeline

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vpcdns/forwarder/workbench"
)

var update = flag.Bool("update", false, "write the goldens")

// TestMain lets the goldens have one time zone.
func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(m.Run())
}

// golden holds text against a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		t.Errorf("%s is not what came (%v); -update writes it:\n%s", path, err, got)
	}
}

var (
	oldData, newData = []string{"10.79.1.1"}, []string{"10.79.2.2"}
	spec             = Spec{Name: "app.corp.example", Type: "A", Old: oldData, New: newData, TTL: 10 * time.Second}
)

// reply is what a server says from a moment on.
type reply struct {
	from time.Duration
	data []string
	err  string
}

// scripted answers by a script, after 3 ms.
func scripted(start time.Time, script ...reply) Ask {
	return func(ctx context.Context) Answer {
		a := Answer{Asked: time.Now()}
		wait := 3 * time.Millisecond
		var r reply
		for _, s := range script {
			if time.Since(start) >= s.from {
				r = s
			}
		}
		if r.err != "" {
			wait = patience
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		a.At, a.Data, a.Err = time.Now(), r.data, r.err
		return a
	}
}

// play runs a switch of four servers in virtual time, up to its end.
func play(w io.Writer) *Timeline {
	start := time.Now()
	var p *Printer
	if w != nil {
		p = NewPrinter(w)
	}
	t := New(Spec{Name: spec.Name, Type: spec.Type, New: newData}, start, p)
	ctx, cancel := context.WithCancel(context.Background())
	scripts := map[string]Ask{
		"10.1.0.2#53":  scripted(start, reply{0, oldData, ""}, reply{150 * time.Millisecond, newData, ""}),
		"10.2.0.2#53":  scripted(start, reply{0, oldData, ""}, reply{250 * time.Millisecond, newData, ""}, reply{5 * time.Second, nil, "timed out"}, reply{9500 * time.Millisecond, newData, ""}),
		"10.79.0.2#53": scripted(start, reply{0, oldData, ""}, reply{7 * time.Second, newData, ""}, reply{8 * time.Second, oldData, ""}, reply{9 * time.Second, []string{"10.79.3.3"}, ""}, reply{10 * time.Second, newData, ""}),
		"10.9.0.2#53":  scripted(start, reply{0, nil, ""}, reply{4 * time.Second, newData, ""}),
	}
	done := make(chan bool)
	for _, server := range []string{"10.1.0.2#53", "10.2.0.2#53", "10.79.0.2#53", "10.9.0.2#53"} {
		role := Forwarder
		if strings.Contains(server, "79") || strings.Contains(server, "9.0") {
			role = Verified
		}
		l := t.AddLane(server, role)
		go func() {
			t.Observe(ctx, l, scripts[server])
			done <- true
		}()
		time.Sleep(time.Millisecond)
	}
	time.Sleep(140 * time.Millisecond)
	t.Note(Event{time.Now(), Override, "10.1.0.2#53", "override in force"})
	time.Sleep(170 * time.Millisecond)
	t.Know(oldData, 10*time.Second, time.Now())
	t.Note(Event{time.Now(), Accepted, "Route 53", "accepted, change C1"})
	t.Note(Event{time.Now(), Warned, "", "app.corp.example has an AAAA record too"})
	time.Sleep(17 * time.Second)
	t.Note(Event{time.Now(), InSync, "Route 53", "INSYNC"})
	for !t.Settled(time.Now()) {
		time.Sleep(100 * time.Millisecond)
	}
	cancel()
	for range scripts {
		<-done
	}
	return t
}

// What is printed, written and drawn of a switch with an answer that came back, a
// third value, a server that is silent for a while, and one that denied before.
func TestTimeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		tl := play(&out)
		d := tl.Document(time.Now(), 6, "the old address came back")
		if err := d.WriteTable(&out); err != nil {
			t.Fatal(err)
		}
		golden(t, "switch.txt", out.String())
		var js, svg bytes.Buffer
		if err := errors.Join(d.WriteJSON(&js), d.WriteSVG(&svg)); err != nil {
			t.Fatal(err)
		}
		golden(t, "switch.json", js.String())
		golden(t, "switch.svg", svg.String())
		var back Document
		if err := json.Unmarshal(js.Bytes(), &back); err != nil {
			t.Fatal(err)
		}
		var again bytes.Buffer
		if err := back.WriteJSON(&again); err != nil || again.String() != js.String() {
			t.Errorf("the JSON read and written again differs: %v", err)
		}
		if s := tl.Standing(); !reflect.DeepEqual(s, Standing{CameBack: []string{"10.79.0.2#53"}}) {
			t.Errorf("Standing = %+v", s)
		}
	})
}

// The numbers of the document are those of the script.
func TestLaneTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := play(nil).Document(time.Now(), 0, "done")
		for i, want := range []struct {
			firstNew, lastOld float64 // s
			cameBack          int
		}{{0.15, 0.1, 0}, {0.25, 0.2, 0}, {7, 10, 1}, {4, 3.9, 0}} {
			l := d.Servers[i]
			first, last := seconds(d.Started, l.FirstNew), seconds(d.Started, l.LastOld)
			if first < want.firstNew || first > want.firstNew+0.11 || last < want.lastOld-0.11 || last > want.lastOld+0.11 || l.CameBack != want.cameBack {
				t.Errorf("%s: first new %.3f, last old %.3f, came back %d, want %+v", l.Server, first, last, l.CameBack, want)
			}
			sum := 0
			for _, s := range l.Spans {
				sum += s.Answers
			}
			if sum != l.Asked || l.Asked != l.Counts[IsNew]+l.Counts[IsOld]+l.Counts[IsOther]+l.Counts[IsNone] {
				t.Errorf("%s: %d in spans, asked %d, %v", l.Server, sum, l.Asked, l.Counts)
			}
		}
		// The one that was new first is asked once a second after ten, ten times before.
		if n := d.Servers[0].Asked; n < 100 || n > 120 {
			t.Errorf("asked %d times, want 10 a second for 10 s, then one a second", n)
		}
	})
}

// Many servers are asked more seldom, so that there are 200 questions a second at most.
func TestObserveRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tl := New(spec, time.Now(), nil)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		var lanes []*Lane
		done := make(chan bool)
		for i := range 100 {
			lanes = append(lanes, tl.AddLane(fmt.Sprint(i), Verified))
		}
		for _, l := range lanes {
			go func() { tl.Observe(ctx, l, scripted(tl.Start, reply{0, oldData, ""})); done <- true }()
		}
		asked := 0
		for range lanes {
			<-done
		}
		for _, l := range lanes {
			asked += l.Asked
		}
		if asked < 900 || asked > 1100 {
			t.Errorf("%d questions in 5 s, want about 1000", asked)
		}
	})
}

// A flap of minutes is bounded, in lines and in memory.
func TestFlapIsBounded(t *testing.T) {
	var out bytes.Buffer
	start := time.Unix(1e9, 0)
	tl := New(spec, start, NewPrinter(&out))
	l := tl.AddLane("10.79.0.2#53", Verified)
	for i := range 10000 {
		tl.Take(l, Answer{At: start.Add(time.Duration(i) * fastest), Data: [][]string{oldData, newData}[i%2]})
	}
	if l.CameBack != 4999 || len(l.Spans) != maxSpans || strings.Count(out.String(), "\n") > 20 {
		t.Errorf("came back %d, %d spans, %d lines", l.CameBack, len(l.Spans), strings.Count(out.String(), "\n"))
	}
	if tl.Settled(start.Add(1000*time.Second)) || !tl.Settled(start.Add(1010*time.Second)) {
		t.Error("settled is not 10 s after the last change")
	}
}

// The progress line stands below the events and leaves nothing.
func TestProgressLine(t *testing.T) {
	var out bytes.Buffer
	p := NewPrinter(&out)
	p.terminal = true
	start := time.Unix(1e9, 0).UTC()
	tl := New(spec, start, p)
	l := tl.AddLane("a", Forwarder)
	tl.Take(l, Answer{At: start.Add(fastest), Data: oldData})
	tl.Take(l, Answer{At: start.Add(2 * fastest), Data: newData})
	tl.Take(l, Answer{At: start.Add(50 * fastest), Data: newData})
	tl.Note(Event{start.Add(5 * time.Second), InSync, "Route 53", "INSYNC"})
	tl.Take(l, Answer{At: start.Add(150 * fastest), Data: newData})
	tl.Note(Event{start.Add(16 * time.Second), Ended, "", "done"})
	golden(t, "progress.txt", strings.NewReplacer("\x1b", "ESC", "\r", "CR").Replace(out.String()))
}

// No line is wider than a terminal: many servers, long names and long reasons.
func TestPrinterFits(t *testing.T) {
	var out bytes.Buffer
	p := NewPrinter(&out)
	p.terminal = true
	start := time.Unix(1e9, 0).UTC()
	tl := New(Spec{Name: "myservice.awslab.mycompany.corp", Type: "AAAA", New: newData}, start, p)
	for i := range 5 {
		l := tl.AddLane(fmt.Sprintf("2001:db8:aaaa:bbbb:cccc::%d#53", i), Forwarder)
		tl.Note(Event{start.Add(time.Second), Warned, l.Server, strings.Repeat("a reason that takes its time ", 9)})
		tl.Take(l, Answer{At: start.Add(time.Minute), Data: newData})
	}
	for _, line := range strings.FieldsFunc(strings.ReplaceAll(out.String(), "\x1b[K", ""), func(r rune) bool { return r == '\n' || r == '\r' }) {
		if len(line) > columns {
			t.Errorf("%d columns: %q", len(line), line)
		}
	}
}

// What people write into names does no harm to the drawing.
func TestPlotEscapes(t *testing.T) {
	d := New(Spec{Name: `a<b>&"c`, Type: "A", New: newData}, time.Now(), nil).Document(time.Now(), 1, "<&>")
	var svg bytes.Buffer
	if err := d.WriteSVG(&svg); err != nil {
		t.Fatal(err)
	}
	for dec := xml.NewDecoder(&svg); ; {
		if _, err := dec.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// The golden drawing is one that a renderer takes.
func TestPlotRenders(t *testing.T) {
	out, err := exec.Command(workbench.Need(t, "rsvg-convert"), "testdata/switch.svg").Output()
	if err != nil || !bytes.HasPrefix(out, []byte("\x89PNG")) {
		t.Errorf("rsvg-convert: %v, %d octets", err, len(out))
	}
}

func TestDocumentIsDescribed(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	types := []reflect.Type{reflect.TypeFor[Document](), reflect.TypeFor[DocumentLane](), reflect.TypeFor[DocumentSpan](), reflect.TypeFor[DocumentEvent]()}
	for _, typ := range types {
		for f := range typ.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if !strings.Contains(string(text), "`"+name+"`") {
				t.Errorf("README.md does not say what `%s` is", name)
			}
		}
	}
	for _, k := range kinds() {
		if !strings.Contains(string(text), "`"+string(k)+"`") {
			t.Errorf("README.md does not say what the event `%s` is", k)
		}
	}
}

func kinds() []Kind {
	return slices.Sorted(slices.Values([]Kind{Begun, Recorded, Accepted, Refused, Failed, InSync, Override, OverrideFirm, OverrideBack, OverrideEnded, Flushed, FirstNew,
		NewAgain, CameBack, NoAnswer, AnswersAgain, Unreachable, Reachable, UpstreamNew, UpstreamSteady, Held, Warned, Ended}))
}
