package shadow

import (
	"strings"

	"github.com/miekg/dns"
)

// dump reads what `rndc dumpdb -cache` writes, line by line. A set of records is
// preceded by a comment that says how it was learnt; what came as an answer was
// asked for.
type dump struct {
	owner   string // of the last record: it is not repeated
	asked   bool   // the set that follows
	inside  bool   // a record that goes on over several lines
	forgone bool   // what follows is not the cache
}

// line returns the question that a line is the answer to.
func (d *dump) line(s string) (q Question, ok bool) {
	switch {
	case d.inside:
		d.inside = !strings.Contains(data(s), ")")
		return q, false
	case strings.HasPrefix(s, ";"):
		d.comment(s)
		return q, false
	case d.forgone || s == "" || s[0] == '$':
		return q, false
	}
	d.inside = strings.Contains(data(s), "(") && !strings.Contains(data(s), ")")
	fields := strings.Fields(s)
	if len(fields) == 0 { // white space of another kind
		return q, false
	}
	if s[0] != ' ' && s[0] != '\t' {
		d.owner, fields = fields[0], fields[1:]
	}
	if !d.asked || d.owner == "" {
		return q, false
	}
	qtype, ok := dumpedType(fields)
	if !ok {
		return q, false
	}
	return newQuestion(d.owner, qtype)
}

func (d *dump) comment(s string) {
	text := strings.TrimSpace(strings.TrimLeft(s, "; \t"))
	switch {
	case strings.HasPrefix(text, "Cache dump"):
		d.forgone, d.owner = false, ""
	case strings.HasPrefix(text, "Address database") || strings.HasPrefix(text, "Bad cache"):
		d.forgone = true
	case isTrust(text):
		d.asked = strings.HasSuffix(text, "answer") || text == "secure"
	}
}

// isTrust reports whether a comment says how records were learnt, as BIND words it.
// Others hold the SOA of a negative answer, or say that what follows is stale.
func isTrust(s string) bool {
	switch s {
	case "answer", "authanswer", "secure", "additional", "glue", "authauthority", "authority", "local", "ultimate",
		"pending-answer", "pending-additional", "none":
		return true
	}
	return false
}

// dumpedType finds the type in TTL [CLASS] TYPE DATA. \-TYPE is the lack of that
// type, \-ANY of the name; both, and an alias, are found by asking for an address.
func dumpedType(fields []string) (uint16, bool) {
	for _, f := range fields[:min(len(fields), 3)] {
		f, negative := strings.CutPrefix(f, `\-`)
		t, ok := parseType(f)
		if !ok || f == "IN" {
			continue
		}
		switch {
		case negative && t == dns.TypeANY, t == dns.TypeCNAME:
			return dns.TypeA, true
		case t == dns.TypeRRSIG, t == dns.TypeNSEC, t == dns.TypeNSEC3:
			return 0, false // they come with others
		}
		return t, true
	}
	return 0, false
}

// data is a line without quoted strings and comments.
func data(s string) string {
	var out strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ';' && !quoted:
			return out.String()
		case !quoted:
			out.WriteByte(s[i])
		}
	}
	return out.String()
}
