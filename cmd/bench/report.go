package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
)

// report is what dnsperf says at its end.
type report struct {
	completed, lost, noError float64
	rate                     float64 // answers a second
}

var (
	completedLine = regexp.MustCompile(`Queries completed:\s+(\d+)`)
	lostLine      = regexp.MustCompile(`Queries lost:\s+(\d+)`)
	noErrorLine   = regexp.MustCompile(`NOERROR (\d+)`)
	rateLine      = regexp.MustCompile(`Queries per second:\s+([\d.]+)`)
)

var errNoAnswers = errors.New("no answers")

// parseReport fails for a run whose cost means nothing: without answers, or
// with answers that are errors.
func parseReport(text []byte) (report, error) {
	r := report{
		completed: number(completedLine, text),
		lost:      number(lostLine, text),
		noError:   number(noErrorLine, text),
		rate:      number(rateLine, text),
	}
	if r.completed == 0 {
		return r, errNoAnswers
	}
	if r.noError < 0.99*r.completed {
		return r, fmt.Errorf("%.0f answers, of which %.0f without error", r.completed, r.noError)
	}
	return r, nil
}

// number returns the number in the first match, or 0.
func number(line *regexp.Regexp, text []byte) float64 {
	m := line.FindSubmatch(text)
	if m == nil {
		return 0
	}
	n, _ := strconv.ParseFloat(string(m[1]), 64)
	return n
}
