package deploy

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"vpcdns/forwarder/metrics"
	"vpcdns/forwarder/workbench"
)

var update = flag.Bool("update", false, "write the table of alerts in monitoring.md")

// alert is a rule in alerts.yaml.
type alert struct {
	Alert       string
	Expr        string
	For         string
	Labels      map[string]string
	Annotations map[string]string
}

func loadAlerts(t *testing.T) []alert {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string
			Rules []alert
		}
	}
	d := yaml.NewDecoder(strings.NewReader(read(t, "alerts.yaml")))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil {
		t.Fatal(err)
	}
	if len(file.Groups) != 1 || file.Groups[0].Name != "forwarder" {
		t.Fatalf("alerts.yaml has the groups %v, want one", file.Groups)
	}
	return file.Groups[0].Rules
}

// promtool finds nothing wrong, and the rules do on written series what their tests say.
func TestPromtool(t *testing.T) {
	promtool := workbench.Need(t, "promtool")
	for _, args := range [][]string{{"check", "rules", "--lint-fatal", "alerts.yaml"}, {"test", "rules", "alerts_test.yaml"}} {
		if out, err := exec.Command(promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %q: %v\n%s", args, err, out)
		}
	}
}

var ourMetric = regexp.MustCompile(`\bforwarder_[a-z0-9_]+`)

// known are the names of all series of the forwarder's metrics.
func known() map[string]bool {
	names := make(map[string]bool)
	for _, f := range metrics.Families() {
		names[string(f.Name)] = true
		if f.Type == "histogram" {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				names[string(f.Name)+suffix] = true
			}
		}
	}
	return names
}

// Every metric that the alerts and their texts name is there.
func TestAlertMetrics(t *testing.T) {
	names := known()
	for _, a := range loadAlerts(t) {
		for _, name := range ourMetric.FindAllString(a.Expr+a.Annotations["description"], -1) {
			if !names[name] {
				t.Errorf("%s asks for %s, which is no metric", a.Alert, name)
			}
		}
	}
}

// Who is woken finds what to do, in the alert and in monitoring.md.
func TestAlertTexts(t *testing.T) {
	page := read(t, "monitoring.md")
	tests := read(t, "alerts_test.yaml")
	for _, a := range loadAlerts(t) {
		if !slices.Contains([]string{"critical", "warning", "info"}, a.Labels["severity"]) {
			t.Errorf("%s has severity %q", a.Alert, a.Labels["severity"])
		}
		if a.For == "" && a.Labels["severity"] != "info" {
			t.Errorf("%s fires at once", a.Alert)
		}
		for _, key := range []string{"summary", "description"} {
			if a.Annotations[key] == "" {
				t.Errorf("%s has no %s", a.Alert, key)
			}
		}
		want := "/usr/share/doc/forwarder/deploy/monitoring.md#" + strings.ToLower(a.Alert)
		if a.Annotations["runbook"] != want || !strings.Contains(page, "\n### "+a.Alert+"\n") {
			t.Errorf("%s has the runbook %s, want %s, and that section", a.Alert, a.Annotations["runbook"], want)
		}
		if !strings.Contains(tests, `alertname="`+a.Alert+`", alertstate="firing"`) {
			t.Errorf("alerts_test.yaml has no test in which %s fires", a.Alert)
		}
	}
}

// The table in monitoring.md is that of the rules.
func TestMonitoringTable(t *testing.T) {
	var b strings.Builder
	b.WriteString("| alert | severity | after |\n|---|---|---|\n")
	for _, a := range loadAlerts(t) {
		after := a.For
		if after == "" {
			after = "at once"
		}
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", a.Alert, strings.ToLower(a.Alert), a.Labels["severity"], after)
	}
	workbench.HoldSection(t, "monitoring.md", "alerts", b.String(), *update)
}

// The project's README says how many there are.
func TestReadmeCountsAlerts(t *testing.T) {
	want := fmt.Sprintf("| %d alerts, each with what to do", len(loadAlerts(t)))
	if !strings.Contains(read(t, "../README.md"), want) {
		t.Errorf("README.md lacks %q", want)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
