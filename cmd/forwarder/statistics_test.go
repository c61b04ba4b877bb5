package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/netip"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// statisticsConf has a channel, at {statistics}.
const statisticsConf = `statistics-channels { inet {statistics} allow { 127.0.0.1; }; };`

// countedServer is one that has statistics.
type countedServer struct{ dns, statistics netip.AddrPort }

func (c countedServer) url(path string) string { return fmt.Sprintf("http://%v%s", c.statistics, path) }

// startCounted starts a server with a channel.
func startCounted(t *testing.T, name, program, conf string) countedServer {
	t.Helper()
	c := countedServer{freeAddr(t), freeAddr(t)}
	at := fmt.Sprintf("%s port %d", c.statistics.Addr(), c.statistics.Port())
	path := writeConf(t, conf+strings.Replace(statisticsConf, "{statistics}", at, 1), c.dns)
	lab.Start(t, name, exec.Command(program, "-g", "-c", path)).WaitFor(t, c.dns)
	waitStatus(t, c.url("/json/v1/status"), http.StatusOK)
	waitZone(t, c.dns)
	return c
}

// countedProbes are queries whose results are the same with BIND, of most kinds.
func countedProbes() (list []probe) {
	ask := func(name string, qtype uint16, change func(*query)) {
		q := usual(name, qtype)
		if change != nil {
			change(&q)
		}
		for range 2 { // a miss and a hit
			list = append(list, overBoth(fmt.Sprint(name, qtype), q.pack())...)
		}
	}
	ask(fewNames[0], dns.TypeA, nil)
	ask(fewNames[0], dns.TypeA, func(q *query) { q.edns = false })
	ask(fewNames[0], dns.TypeMX, nil)
	ask(fewNames[0], dns.TypeCAA, nil)
	ask("nothing.awslab.mycompany.corp.", dns.TypeA, nil)
	ask("host.test.", dns.TypeSOA, nil)
	ask("host.test.", dns.TypeMX, nil)
	ask("version.bind.", dns.TypeTXT, func(q *query) { q.class = dns.ClassCHAOS })
	ask(fewNames[0], dns.TypeA, func(q *query) { q.class = dns.ClassHESIOD })
	ask(fewNames[0], dns.TypeAXFR, nil)
	ask(fewNames[0], dns.TypeA, func(q *query) { q.version = 1 })
	variants := ednsVariants()
	for _, title := range slices.Sorted(maps.Keys(variants)) {
		ask(fewNames[0], dns.TypeA, variants[title])
	}
	ask(fewNames[0], dns.TypeA, func(q *query) { q.flags = 0 })
	return append(list, from(refused, every(5, slices.Clone(list)))...)
}

// uncounted are numbers that differ from BIND's on purpose, by their paths, and why.
// Each must differ.
var uncounted = []excuse{
	{"/nsstats/(CookieBadTime|CookieNoMatch)", "a cookie whose time is over is one that does not match"},
	{"/nsstats/(ExpireOpt|KeyTagOpt|OtherOpt|PadOpt)", "options that mean nothing here are not told apart"},
	{"/memory/.*", "other memory"},
	{"/sockstats/.*", "other sockets"},
	{"/views/[^/]*/resolver/adb/.*", "there is no address database"},
	{"/views/[^/]*/resolver/cachestats/(CacheMisses|CacheNodes|CacheBuckets|HeapMem.*|TreeMem.*)", "another cache: answers by question"},
	{"/views/[^/]*/resolver/stats/ClientCookieOut", "upstream cookies are not counted"},
}

// timed are numbers that a busy machine changes, and BIND's size of a table.
var timed = regexp.MustCompile("BucketSize|QryRTT|query_duration|TCPConnHighWater|TCP4(Active|Clients)")

// ofTries are those that a try more upstream changes.
var ofTries = regexp.MustCompile("Retry|QueryTimeout|(Query|Response)v4|_default/(resolver/qtypes|resqtype)/|bind_resolver_(queries|query_retries|query_errors)")

// TestStatistics sends BIND and the forwarder the same queries: the numbers of their
// statistics grow alike, and so does what bind_exporter, as Debian has it, makes of
// them.
func TestStatistics(t *testing.T) {
	t.Parallel()
	program := workbench.Need(t, "named")
	exporter := workbench.Need(t, "prometheus-bind-exporter")
	_, upstream := startResolver(t)
	conf := differentialText(upstream, "")
	named := startCounted(t, "named", program, conf)
	ours := startCounted(t, "the forwarder", lab.BuildForwarder(t), conf)
	ways := []struct {
		name    string
		read    func(c countedServer) map[string]float64
		excuses []excuse
	}{
		{"json", func(c countedServer) map[string]float64 { return jsonNumbers(t, c) }, uncounted},
		{"xml", func(c countedServer) map[string]float64 { return xmlNumbers(t, c) }, uncounted},
		{"bind_exporter", func(c countedServer) map[string]float64 { return exported(t, exporter, c) }, nil},
	}
	var before [len("jxb")][2]map[string]float64
	for i, w := range ways {
		before[i] = [2]map[string]float64{w.read(named), w.read(ours)}
	}
	for i, p := range countedProbes() {
		p.packet[0], p.packet[1] = byte(i>>8), byte(i)
		exchange(p.packet, named.dns, p, faultWait)
		exchange(p.packet, ours.dns, p, faultWait)
	}
	for i, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			compareNumbers(t, growth(before[i][0], w.read(named)), growth(before[i][1], w.read(ours)), w.excuses)
		})
	}
}

// growth is what came to numbers, those that stay among them: they must be there.
func growth(before, after map[string]float64) map[string]float64 {
	grown := maps.Clone(after)
	for path, n := range before {
		grown[path] -= n
	}
	return grown
}

// excuse is why numbers differ from BIND's, by their paths.
type excuse struct{ path, why string }

// compareNumbers holds that what differs is excused, and what is excused differs.
func compareNumbers(t *testing.T, want, got map[string]float64, excuses []excuse) {
	t.Helper()
	used, same := make([]bool, len(excuses)), 0
	paths := maps.Clone(want)
	maps.Copy(paths, got)
	triedAgain := retries(want) != retries(got)
	maps.DeleteFunc(paths, func(path string, _ float64) bool {
		return timed.MatchString(path) || triedAgain && ofTries.MatchString(path)
	})
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		_, theirs := want[path]
		_, here := got[path]
		if isSeries := strings.HasPrefix(path, "bind_"); got[path] == want[path] && (here == theirs || !isSeries) { // a document may leave out what is 0
			same++
			continue
		}
		excused := false
		for i, e := range excuses {
			if regexp.MustCompile("^" + e.path + "$").MatchString(path) {
				used[i], excused = true, true
			}
		}
		if !excused {
			t.Errorf("%s grew by %v, want %v as BIND; BIND has it: %v", path, got[path], want[path], theirs)
		}
	}
	for i, e := range excuses {
		if !used[i] {
			t.Errorf("%s: as in BIND, but excused: %s", e.path, e.why)
		}
	}
	t.Logf("%d numbers of %d are the same", same, len(paths))
}

// numbers lists those of a JSON document.
func numbers(prefix string, v any, into map[string]float64) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			numbers(prefix+"/"+key, value, into)
		}
	case float64:
		into[prefix] = v
	}
}

func jsonNumbers(t *testing.T, c countedServer) map[string]float64 {
	t.Helper()
	var doc any
	if err := json.Unmarshal([]byte(waitStatus(t, c.url("/json/v1"), http.StatusOK)), &doc); err != nil {
		t.Fatal(err)
	}
	into := make(map[string]float64)
	numbers("", doc, into)
	return into
}

// retries is how often upstream was asked again.
func retries(m map[string]float64) float64 {
	return m["/views/_default/resolver/stats/Retry"] + m[`bind_resolver_query_retries_total{view="_default"}`]
}

// element is any of an XML document.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []element  `xml:",any"`
}

// xmlNumbers lists those of the XML document as if it were the JSON one.
func xmlNumbers(t *testing.T, c countedServer) map[string]float64 {
	t.Helper()
	var doc element
	if err := xml.Unmarshal([]byte(waitStatus(t, c.url("/"), http.StatusOK)), &doc); err != nil {
		t.Fatal(err)
	}
	into := make(map[string]float64)
	doc.numbers("", into)
	return into
}

// xmlPaths are JSON's words for elements, by those of XML.
var xmlPaths = strings.NewReplacer("/statistics/server/opcode", "/opcodes", "/statistics/server/rcode", "/rcodes",
	"/statistics/server/qtype", "/qtypes", "/statistics/server/nsstat", "/nsstats", "/statistics/server/sockstat", "/sockstats",
	"/statistics/memory", "/memory", "/statistics/views/", "/views/", "/adbstat/", "/resolver/adb/", "/cachestats/", "/resolver/cachestats/",
	"/resstats/", "/resolver/stats/")

func (e *element) numbers(path string, into map[string]float64) {
	word := e.XMLName.Local
	for _, a := range e.Attrs {
		if a.Name.Local == "name" || a.Name.Local == "type" {
			word = a.Value
		}
	}
	path += "/" + word
	if n, err := strconv.ParseFloat(e.Text, 64); err == nil && len(e.Children) == 0 {
		into[xmlPaths.Replace(path)] = n
	}
	for i := range e.Children {
		e.Children[i].numbers(path, into)
	}
}

// exported are the series that bind_exporter makes of a server.
func exported(t *testing.T, program string, c countedServer) map[string]float64 {
	t.Helper()
	at := freeAddr(t)
	lab.Start(t, "bind_exporter", exec.Command(program, "--bind.stats-url="+c.url("/"), "--web.listen-address="+at.String()))
	series := make(map[string]float64)
	for line := range strings.Lines(waitStatus(t, fmt.Sprintf("http://%v/metrics", at), http.StatusOK)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		if !strings.Contains(line, "{") {
			name, value, _ = strings.Cut(strings.TrimSpace(line), " ")
		}
		n, err := strconv.ParseFloat(value, 64)
		if strings.HasPrefix(name, "bind_") && !strings.Contains(name, "build_info") && err == nil && !math.IsNaN(n) {
			series[name] = n
		}
	}
	return series
}
