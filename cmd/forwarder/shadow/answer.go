package shadow

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// Answer is what a server said, or that it said nothing.
type Answer struct {
	Msg  *dns.Msg
	Err  error // nil Msg: why
	At   time.Time
	Took time.Duration
}

// rcode is the answer's response code in words, or why there is none.
func (a *Answer) rcode() string {
	switch {
	case a.Msg != nil:
		return rcodeText(a.Msg.Rcode)
	case errors.Is(a.Err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(a.Err, os.ErrDeadlineExceeded):
		return "no answer"
	}
	return a.Err.Error()
}

func rcodeText(rcode int) string {
	if s, ok := dns.RcodeToString[rcode]; ok {
		return s
	}
	return fmt.Sprint("RCODE", rcode)
}

// is reports whether there is an answer with that code.
func (a *Answer) is(rcode int) bool { return a.Msg != nil && a.Msg.Rcode == rcode }

// flags are those that clients see, but RD and CD, which are an echo.
func (a *Answer) flags() string {
	var set []string
	for _, f := range []struct {
		name string
		set  bool
	}{{"aa", a.Msg.Authoritative}, {"tc", a.Msg.Truncated}, {"ra", a.Msg.RecursionAvailable}, {"ad", a.Msg.AuthenticatedData}} {
		if f.set {
			set = append(set, f.name)
		}
	}
	return strings.Join(set, " ")
}

// data is what counts of the answer: the records of its answer section, and of its
// authority section all but name servers. What is there of these, and of additional
// records, depends on what was asked before. The order is no part of it.
func (a *Answer) data() []string {
	var list []string
	for _, rr := range a.records() {
		list = append(list, recordText(rr))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (a *Answer) records() []dns.RR {
	if a.Msg == nil {
		return nil
	}
	authority := slices.DeleteFunc(slices.Clone(a.Msg.Ns), func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeNS })
	return slices.Concat(a.Msg.Answer, authority)
}

// recordText is a record without its TTL. Names may come in any letter case; texts
// may not.
func recordText(rr dns.RR) string {
	c := dns.Copy(rr)
	c.Header().Ttl = 0
	c.Header().Name = strings.ToLower(c.Header().Name)
	text := c.String()
	if c.Header().Rrtype != dns.TypeTXT {
		text = strings.ToLower(text)
	}
	_, text, _ = strings.Cut(text, "\t0\t")
	return c.Header().Name + " " + strings.ReplaceAll(text, "\t", " ")
}

// ttl is the least of the answer, and false without records.
func (a *Answer) ttl() (least uint32, ok bool) {
	for i, rr := range a.records() {
		if t := rr.Header().Ttl; i == 0 || t < least {
			least = t
		}
	}
	return least, len(a.records()) > 0
}

// summary shows the first records, and how many more there are.
func summary(texts []string) string {
	const most = 3
	switch {
	case len(texts) == 0:
		return "no records"
	case len(texts) <= most:
		return strings.Join(texts, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(texts[:most], "; "), len(texts)-most)
}
