package forwarder

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// script is a file of testdata/replay: a named.conf, a line `---`, and steps,
// one a line. A step's indented lines are its block: records, or another
// named.conf.
//
//	at 5s                                time goes on until 5 s after the start
//	client 10.1.2.3 asks NAME TYPE …     see question
//	client 10.1.2.3 gets RCODE …         the oldest reply is this one: see want
//	client * gets nothing                no reply is left, to anyone
//	upstream [10.79.0.2] gets NAME TYPE … the oldest query is this one: do, cd, tcp, noedns, rd
//	upstream gets nothing                no query is left
//	upstream answers RCODE …             to that query: tc, noopt, and records
//	upstream refuses                     that query, with ICMP or a reset
//	upstream forgets                     what it was asked so far
//	flush | flush name NAME N | flush tree NAME N     N answers go
//	reload                               with the named.conf in its block
//	interfaces 10.79.1.10/24 …           the host has these from now on
//	serves 10.79.1.10:53 …               these addresses are served
//	counts hit=3 miss=1 …                replies so far, by source
//	logs CATEGORY LINE | logs CATEGORY nothing  the oldest line, from info up, that no step was about
//	shutdown                             Serve's context ends
//	stopped                              Serve has returned
type script struct {
	conf  string
	steps []step
}

type step struct {
	line  int
	words []string
	block []string
}

func readScript(path string) (script, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return script{}, err
	}
	conf, rest, ok := strings.Cut(string(text), "\n---\n")
	if !ok {
		return script{}, fmt.Errorf("%s: no line ---", path)
	}
	s := script{conf: conf}
	first := strings.Count(conf, "\n") + 3
	for i, line := range strings.Split(rest, "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0][0] == '#':
		case line[0] == ' ' && len(s.steps) > 0:
			last := &s.steps[len(s.steps)-1]
			last.block = append(last.block, strings.TrimSpace(line))
		default:
			s.steps = append(s.steps, step{line: first + i, words: words})
		}
	}
	return s, nil
}

// settings are the words behind a step's fixed ones: flags, and key=value.
type settings map[string]string

// parseSettings knows the words that may be there.
func parseSettings(words []string, known ...string) (settings, error) {
	s := make(settings)
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		if !slices.Contains(known, key) {
			return nil, fmt.Errorf("unknown word %q", w)
		}
		s[key] = value
	}
	return s, nil
}

func (s settings) has(key string) bool { _, ok := s[key]; return ok }

// number returns the number of a key, or def.
func (s settings) number(key string, def int) int {
	if n, err := strconv.Atoi(s[key]); err == nil {
		return n
	}
	return def
}

// sections are the records of a block. A line may start with the section's
// name, and before that with `repeat N`, where % stands for 1 to N.
type sections struct{ answer, authority, additional []dns.RR }

func parseSections(block []string) (s sections, err error) {
	for _, line := range block {
		n := 1
		if rest, ok := strings.CutPrefix(line, "repeat "); ok {
			count, text, _ := strings.Cut(rest, " ")
			n, _ = strconv.Atoi(count)
			line = text
		}
		for i := range n {
			if err := s.add(strings.ReplaceAll(line, "%", strconv.Itoa(i+1))); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}

func (s *sections) add(line string) error {
	to := &s.answer
	if rest, ok := strings.CutPrefix(line, "authority "); ok {
		to, line = &s.authority, rest
	} else if rest, ok := strings.CutPrefix(line, "additional "); ok {
		to, line = &s.additional, rest
	}
	rr, err := dns.NewRR(line)
	if err != nil {
		return err
	}
	*to = append(*to, rr)
	return nil
}

// lines are the records as sorted text: the order of a set is random.
func lines(rrs []dns.RR) []string {
	list := []string{}
	for _, rr := range rrs {
		if rr.Header().Rrtype != dns.TypeOPT {
			list = append(list, strings.ReplaceAll(rr.String(), "\t", " "))
		}
	}
	slices.Sort(list)
	return list
}

// offset reads the time of an `at`.
func (s step) offset() (time.Duration, error) {
	if len(s.words) != 2 {
		return 0, fmt.Errorf("at: want one time")
	}
	return time.ParseDuration(s.words[1])
}
