package deploy

import (
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

const (
	// before is how long a site is well, which the rules' ranges see too.
	before = 15 * time.Second

	// lasts is how long a fault does at least: longer than the rules' waits.
	lasts = 65 * time.Second

	// raised is what it takes for an alert at most, on a busy machine.
	raised = 3 * time.Minute
)

// TestAlerts makes each fault at a pair of its own, which a real Prometheus scrapes, and
// holds which alerts that raises. All happen at the same time, as most of it is waiting.
func TestAlerts(t *testing.T) {
	workbench.NeedRoot(t)
	for _, name := range []string{"prometheus", "promtool", "rndc", "ip", "unshare"} {
		workbench.Need(t, name)
	}
	t.Parallel()
	program, rules := lab.BuildForwarder(t), hurried(read(t, "alerts.yaml"))
	seen := &asked{data: make(map[string]bool)}
	var starting sync.Mutex // one site after the other: programs that start need the processors
	var all sync.WaitGroup
	for _, fault := range alertFaults {
		all.Go(func() {
			t.Run(fault.name, func(t *testing.T) {
				starting.Lock()
				unlock := sync.OnceFunc(starting.Unlock)
				defer unlock()
				s := startSite(t, program, rules, fault.how)
				unlock()
				fault.test(t, s, seen)
			})
		})
	}
	all.Wait()
	seen.check(t)
}

// test makes the fault, and looks until all alerts have had the time to fire.
func (f *alertFault) test(t *testing.T, s *alertSite, seen *asked) {
	fired := map[string]bool{}
	watch := func(enough func(since time.Duration) bool) {
		for begun := time.Now(); !enough(time.Since(begun)); time.Sleep(500 * time.Millisecond) {
			alerts, err := s.firing()
			if err != nil {
				t.Fatalf("asking for alerts: %v", err)
			}
			for _, a := range alerts {
				if a != f.alerts && !fired[a] {
					t.Errorf("%s fires", a)
				}
				fired[a] = true
			}
		}
	}
	watch(func(since time.Duration) bool { return since > before })
	if fired[f.alerts] && len(f.how.flags) == 0 {
		t.Errorf("%s fires before the fault", f.alerts)
	}
	f.happen(t, s)
	watch(func(since time.Duration) bool {
		has := fired[f.alerts] || f.alerts == ""
		return has && (f.brief || since > lasts) || since > raised
	})
	if f.alerts != "" && !fired[f.alerts] {
		t.Errorf("%s does not fire", f.alerts)
	}
	seen.ask(t, s)
}

// asked are the queries of dashboard and alerts, and whether they gave data at a site.
type asked struct {
	mu   sync.Mutex
	data map[string]bool
}

// ask asks all of them of a site's Prometheus.
func (a *asked) ask(t *testing.T, s *alertSite) {
	t.Helper()
	if rules, err := s.unhealthy(); err != nil || len(rules) > 0 {
		t.Errorf("rules fail: %q, %v", rules, err)
	}
	for _, q := range dashboardQueries(t) {
		n, err := s.query(q)
		if err != nil {
			t.Errorf("the dashboard asks %s: %v", q, err)
		}
		a.mu.Lock()
		a.data[q] = a.data[q] || n > 0
		a.mu.Unlock()
	}
}

// check holds that each has had data somewhere.
func (a *asked) check(t *testing.T) {
	t.Helper()
	for q, has := range a.data {
		if !has {
			t.Errorf("the dashboard asks %s: no data at any site", q)
		}
	}
}

// The real output is what promtool takes for good.
func TestRealMetrics(t *testing.T) {
	workbench.NeedRoot(t)
	promtool := workbench.Need(t, "promtool")
	t.Parallel()
	s := startSite(t, lab.BuildForwarder(t), read(t, "alerts.yaml"), how{})
	s.both(t, "override add "+watchedName+" A "+newData)
	reply, err := s.Corporate.HTTP(t, 10*time.Second).Get("http://" + lab.ForwarderA + ":9153/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(string(text))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
	if !strings.Contains(string(text), `forwarder_watched_name_state{name="db.awslab.mycompany.corp",state="override",type="A"} 1`) {
		t.Error("the metrics do not show the override")
	}
}

// Each alert has a fault that raises it.
func TestEveryAlertHasAFault(t *testing.T) {
	for _, a := range loadAlerts(t) {
		if !slices.ContainsFunc(alertFaults, func(f alertFault) bool { return f.alerts == a.Alert }) {
			t.Errorf("no fault raises %s", a.Alert)
		}
	}
}
