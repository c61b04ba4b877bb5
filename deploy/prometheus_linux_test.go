package deploy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// faster is how many times faster than in production a Prometheus scrapes, and how many
// times shorter the ranges and waits of the rules are: expressions and thresholds stay as
// they are in the file. 30 s are 1.5 s then, and 15 minutes 45 s.
const faster = 20

// prometheus is a real one, in a namespace.
type prometheus struct {
	client *http.Client
}

const prometheusAddress = "127.0.0.1:9090" // of the namespace

// startPrometheus starts one that scrapes both forwarders of a lab, and evaluates rules.
func startPrometheus(t *testing.T, n *lab.Namespace, rules string) *prometheus {
	t.Helper()
	dir := t.TempDir()
	config := fmt.Sprintf(`global: {scrape_interval: %[1]dms, scrape_timeout: %[1]dms, evaluation_interval: 1s}
rule_files: ["%[2]s/rules.yaml"]
scrape_configs:
  - job_name: forwarder
    static_configs: [{targets: ['%[3]s:9153', '%[4]s:9153']}]
`, 30_000/faster, dir, lab.ForwarderA, lab.ForwarderB)
	for name, text := range map[string]string{"prometheus.yaml": config, "rules.yaml": rules} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(workbench.Need(t, "prometheus"), "--config.file="+dir+"/prometheus.yaml", "--storage.tsdb.path="+dir+"/data",
		"--web.listen-address="+prometheusAddress, "--log.level=warn")
	n.Do(t, func() { lab.Start(t, "prometheus", cmd) })
	p := &prometheus{n.HTTP(t, 10*time.Second)}
	for range 300 {
		if reply, err := p.client.Get("http://" + prometheusAddress + "/-/ready"); err == nil {
			reply.Body.Close()
			if reply.StatusCode == http.StatusOK {
				return p
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("prometheus is not ready after half a minute")
	return nil
}

// ask takes the data of a reply to a path of the API.
func (p *prometheus) ask(path string, form url.Values, data any) error {
	reply, err := p.client.Get("http://" + prometheusAddress + "/api/v1/" + path + "?" + form.Encode())
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	said := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.NewDecoder(reply.Body).Decode(&said); err != nil {
		return err
	}
	if said.Status != "success" {
		return fmt.Errorf("%s: %s", reply.Status, said.Error)
	}
	return nil
}

// query counts the series that an expression gives over the last minutes, as a panel asks.
func (p *prometheus) query(expr string) (series int, err error) {
	var data struct{ Result []json.RawMessage }
	now := time.Now()
	err = p.ask("query_range", url.Values{
		"query": {expr}, "start": {seconds(now.Add(-3 * time.Minute))}, "end": {seconds(now)}, "step": {"2"},
	}, &data)
	return len(data.Result), err
}

func seconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// firing are the alerts that fire now.
func (p *prometheus) firing() (alerts []string, err error) {
	var data struct {
		Alerts []struct {
			State  string
			Labels map[string]string
		}
	}
	err = p.ask("alerts", nil, &data)
	for _, a := range data.Alerts {
		if a.State == "firing" {
			alerts = append(alerts, a.Labels["alertname"])
		}
	}
	return alerts, err
}

// unhealthy are the rules whose evaluation failed.
func (p *prometheus) unhealthy() (rules []string, err error) {
	var data struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	err = p.ask("rules", nil, &data)
	for _, g := range data.Groups {
		for _, r := range g.Rules {
			if r.Health != "ok" {
				rules = append(rules, r.Name+": "+r.Health+" "+r.LastError)
			}
		}
	}
	return rules, err
}

var (
	ranges = regexp.MustCompile(`\[(\d+)([smhd])\]`)
	waits  = regexp.MustCompile(`(?m)^(\s+for: )(\d+)([smhd])$`)
)

// hurried are rules with shorter ranges and waits.
func hurried(rules string) string {
	rules = ranges.ReplaceAllStringFunc(rules, func(s string) string { return "[" + shorter(s[1:len(s)-1]) + "]" })
	return waits.ReplaceAllStringFunc(rules, func(s string) string {
		before, long, _ := strings.Cut(s, "for: ")
		return before + "for: " + shorter(long)
	})
}

var units = map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}

func shorter(duration string) string {
	last := len(duration) - 1
	n, err := strconv.Atoi(duration[:last])
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("%dms", (time.Duration(n) * units[duration[last]] / faster).Milliseconds())
}

func TestHurried(t *testing.T) {
	const rule = "expr: rate(a[5m]) > 300 and b[1h]\n        for: 15m\n"
	if got, want := hurried(rule), "expr: rate(a[15000ms]) > 300 and b[180000ms]\n        for: 45000ms\n"; got != want {
		t.Errorf("hurried(%q) = %q, want %q", rule, got, want)
	}
}
