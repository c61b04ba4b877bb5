package browser

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// shown are the figures of the page that are metrics too: value and text by metric.
const shown = `Object.fromEntries([...document.querySelectorAll("[data-metric]")].map((d) => [d.dataset.metric, [d.value, d.textContent]]))`

// wanted are some that must be there, and not 0.
var wanted = []string{
	`forwarder_queries_total{source="hit"}`, `forwarder_queries_total{source="miss"}`, `forwarder_queries_total{source="refused"}`,
	`forwarder_responses_total{rcode="NOERROR"}`, `forwarder_responses_total{rcode="NXDOMAIN"}`, `forwarder_responses_total{rcode="REFUSED"}`,
	`forwarder_acl_refused_queries_total`, `forwarder_cache_entries`, `forwarder_cache_size_bytes`, `forwarder_cache_max_size_bytes`,
}

// Each figure equals its metric once nobody asks.
func testFigures(t *testing.T, s *site, p *tab) {
	s.stop()
	server := fmt.Sprintf(`{server="%v"}`, s.upstream)
	wanted := append(slices.Clone(wanted), "forwarder_upstream_queries_total"+server, "forwarder_upstream_answers_total"+server)
	figures, wrong := map[string][2]string{}, ""
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		metrics := s.metrics()
		p.evaluate(shown, &figures)
		if wrong = differences(figures, metrics); wrong == "" || time.Now().After(end) {
			break
		}
	}
	if wrong != "" {
		t.Errorf("figures that differ from their metrics:\n%s", wrong)
	}
	for _, metric := range wanted {
		if figure, ok := figures[metric]; !ok || figure[0] == "0" {
			t.Errorf("the page shows %s as %q, want more than 0", metric, figure[1])
		}
	}
	t.Logf("%d figures equal their metrics", len(figures))
	s.begin(service, "db."+zone, "nothing."+zone)
}

// differences lists the figures whose value, or number as it is written, is not that of
// the metric.
func differences(figures map[string][2]string, metrics metrics) string {
	var b strings.Builder
	for _, metric := range slices.Sorted(maps.Keys(figures)) {
		value, text := figures[metric][0], strings.ReplaceAll(figures[metric][1], ",", "")
		want, ok := metrics.sum(metric)
		got, err := strconv.ParseFloat(value, 64)
		if written, e := strconv.ParseFloat(text, 64); e == nil && written != got {
			fmt.Fprintf(&b, "%s: written %s, want %s\n", metric, text, value)
		}
		if err != nil || !ok || got != want {
			fmt.Fprintf(&b, "%s: %s, want %v\n", metric, value, want)
		}
	}
	return b.String()
}

// metrics are samples by series, as Prometheus reads them.
type metrics map[string]float64

func (s *site) metrics() metrics {
	s.t.Helper()
	reply, err := http.Get(s.page + "metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	defer reply.Body.Close()
	return readMetrics(reply.Body)
}

func readMetrics(r io.Reader) metrics {
	m := metrics{}
	for lines := bufio.NewScanner(r); lines.Scan(); {
		series, value, _ := strings.Cut(lines.Text(), " ")
		if i := strings.LastIndexByte(lines.Text(), ' '); i > 0 {
			series, value = lines.Text()[:i], lines.Text()[i+1:]
		}
		if v, err := strconv.ParseFloat(value, 64); err == nil && series[0] != '#' {
			m[series] = v
		}
	}
	return m
}

var labels = regexp.MustCompile(`\w+="[^"]*"`)

// sum adds the series of a metric that have all of its labels.
func (m metrics) sum(metric string) (sum float64, ok bool) {
	family, rest, _ := strings.Cut(metric, "{")
	for series, value := range m {
		name, own, _ := strings.Cut(series, "{")
		has := labels.FindAllString(own, -1)
		if name == family && !slices.ContainsFunc(labels.FindAllString(rest, -1), func(l string) bool { return !slices.Contains(has, l) }) {
			sum += value
			ok = true
		}
	}
	return sum, ok
}
