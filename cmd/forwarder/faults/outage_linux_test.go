package faults

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
)

const (
	outageTitle       = "upstream dead 15 s: TTL 10 names all answered after its return within"
	outageBrokenTitle = "the same: their queries failed while the TTL lasted"
	outageColdTitle   = "the same: SERVFAIL for cold names after"
	outageEDETitle    = "the same: of these, with an extended error that names upstream"
	outagePeakTitle   = "the same: most packets to upstream in a second while it is dead"
	outageReturnTitle = "the same: in a second after its return"
)

// The VPC resolver drops everything for a while. Without a fault the load costs
// it 22 packets a second.
var outage = scenario{
	name: "outage",
	rows: []row{
		{outageTitle, "s", atMost(0.5).give(0.5)},
		{outageBrokenTitle, "", atMost(0)},
		{outageColdTitle, "s", atMost(4.5).give(0.5)},
		{outageEDETitle, "%", atLeast(100)},
		{outagePeakTitle, "", limit{}},
		{outageReturnTitle, "", limit{}},
	},
	run: func(t *testing.T, s *site) figures {
		s.start(t, "")
		o := s.outage(t)
		cold := o.answers.Named(isCold).Between(o.dead, o.back.Add(-o.timeout))
		return figures{
			outageTitle:       o.recovery(),
			outageBrokenTitle: float64(len(o.broken())),
			outageColdTitle:   servfailAfter(cold),
			outageEDETitle:    percent(cold, func(a lab.Answer) bool { return a.EDE == 22 || a.EDE == 23 }),
			outagePeakTitle:   float64(o.peak(o.dead, o.back)),
			outageReturnTitle: float64(o.peak(o.back, o.back.Add(5*time.Second))),
		}
	},
}

const (
	staleTitle = "the same with stale answers on: TTL 10 names answered meanwhile"
	staleLate  = "the same: slowest of these"
	staleFresh = "the same: fresh again after its return within"
)

// staleOutage is with RFC 8767's recommended times.
var staleOutage = scenario{
	name: "outage, stale",
	rows: []row{
		{staleTitle, "%", atLeast(100)},
		{staleLate, "ms", atMost(1900).give(500)},
		{staleFresh, "s", atMost(0.5).give(0.5)},
	},
	run: func(t *testing.T, s *site) figures {
		if !s.readsNamedConf() {
			return nil
		}
		s.start(t, "stale-cache-enable yes; stale-answer-enable yes; max-stale-ttl 1h; stale-answer-client-timeout 1800;")
		o := s.outage(t)
		hot := o.answers.Named(isHot).Between(o.dead, o.back)
		return figures{
			staleTitle: hot.Percent(),
			staleLate:  milliseconds(hot.Quantile(1)),
			staleFresh: o.recovery(),
		}
	},
}

const outageHotNames = 20

func hotName(i int) string  { return fmt.Sprintf("%d.hot.awslab.mycompany.corp.", i) }
func coldName(i int) string { return fmt.Sprintf("%d.cold.awslab.mycompany.corp.", i) }

func isHot(name string) bool  { return strings.Contains(name, ".hot.") }
func isCold(name string) bool { return strings.Contains(name, ".cold.") }

const staleAnswer = int(dns.ExtendedErrorCodeStaleAnswer)

// down is an outage of the VPC resolver, and what happened around it.
type down struct {
	dead, back time.Time
	timeout    time.Duration // of clients
	answers    lab.Answers
	queries    []vpcresolver.Query
}

// outage asks for hot names 200 times a second and for cold ones 20 times.
func (s *site) outage(t *testing.T) *down {
	t.Helper()
	o := &down{timeout: 12 * time.Second} // more than a stub's, to see who answers at all
	s.vpc.Record()
	wait, _ := lab.Load{
		From: s.Corporate, Servers: []string{lab.ForwarderA}, Rate: 220, For: 24 * time.Second, Timeout: o.timeout,
		Name: func(i int) string {
			if i%11 == 0 {
				return coldName(i)
			}
			return hotName(i % outageHotNames)
		},
	}.Start(t)
	time.Sleep(3 * time.Second)
	s.vpc.SetFaults(".", vpcresolver.Faults{Drop: 1})
	o.dead = time.Now()
	time.Sleep(15 * time.Second)
	s.vpc.SetFaults(".", vpcresolver.Faults{})
	o.back = time.Now()
	o.answers, o.queries = wait(), s.vpc.Recorded()
	return o
}

// recovery returns the seconds until every hot name was answered once, and not
// with a stale answer.
func (o *down) recovery() float64 {
	first := map[string]float64{}
	for _, a := range o.answers.Named(isHot) {
		if after := a.At().Sub(o.back).Seconds(); a.OK() && a.EDE != staleAnswer && after >= 0 {
			before, known := first[a.Name]
			if !known || after < before {
				first[a.Name] = after
			}
		}
	}
	last := 0.0
	for i := range outageHotNames {
		after, ok := first[hotName(i)]
		if !ok {
			return never
		}
		last = max(last, after)
	}
	return last
}

// broken returns the queries for hot names that failed though an answer from
// upstream was still good.
func (o *down) broken() lab.Answers {
	return o.answers.Named(isHot).Failed().Where(func(a lab.Answer) bool {
		return slices.ContainsFunc(o.queries, func(q vpcresolver.Query) bool {
			return q.Name == a.Name && q.TTL > 0 && q.Answered.Before(a.Sent) && q.Answered.Add(q.TTL).After(a.At())
		})
	})
}

// peak returns the most packets to upstream in a second.
func (o *down) peak(begin, end time.Time) int {
	return vpcresolver.Peak(vpcresolver.Between(o.queries, begin, end), time.Second)
}

// servfailAfter returns the longest that any client waited for SERVFAIL, in
// seconds; never if one got no answer.
func servfailAfter(answers lab.Answers) float64 {
	if slices.ContainsFunc(answers, func(a lab.Answer) bool { return a.Rcode == -1 }) {
		return never
	}
	return answers.Quantile(1).Seconds()
}

func percent(answers lab.Answers, is func(lab.Answer) bool) float64 {
	return 100 * float64(len(answers.Where(is))) / float64(len(answers))
}
