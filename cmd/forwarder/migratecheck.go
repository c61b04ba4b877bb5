package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"vpcdns/forwarder/namedconf"
)

// Exit status of migrate-check.
const (
	nothingChanges = iota
	mendFirst      // there are errors, or the check itself failed
	somethingChanges
)

const migrateNotes = `FILE is the configuration, /etc/named.conf by default. Nothing is changed.

Exit status:
  0   nobody will notice anything
  1   something must be mended first, or the check itself failed
  2   clients or operators will notice something
` + compareNotes

func migrateVerb() verb {
	return verb{
		name: "migrate-check", args: "[flags] [FILE]",
		summary: "Tell what changes on this machine when the forwarder takes the place of named, and what to do",
		program: newMigrateCheck,
	}
}

// migration is a machine that is to be migrated, and what is found about it.
type migration struct {
	path     string // of the configuration
	user     string // of the service; "" is the usual one
	root     string
	verbose  bool
	compare  comparison
	in       inspection
	concerns []concern
}

func newMigrateCheck() program {
	m := &migration{}
	s := newVerbFlags("migrate-check")
	s.StringVar(&m.root, "root", "", "look at the machine whose root `directory` this is")
	s.StringVarP(&m.user, "user", "u", "", "`user` of the service, named by default")
	s.BoolVarP(&m.verbose, "verbose", "v", false, "list the options without effect too")
	m.compare.defineCompare(s)
	return program{s, m.run}
}

func (m *migration) run(args []string, stdout, stderr io.Writer) int {
	if m.compare.wanted() {
		return m.compare.migration(args, stdout, stderr)
	}
	if err := m.look(args); err != nil {
		fmt.Fprintf(stderr, "forwarder migrate-check: %v\n", err)
		return mendFirst
	}
	m.write(stdout)
	return m.status()
}

// look finds all that there is to tell.
func (m *migration) look(args []string) (err error) {
	m.path = "/etc/named.conf"
	switch len(args) {
	case 0:
	case 1:
		m.path = args[0]
	default:
		return fmt.Errorf("extra arguments: %s", strings.Join(args[1:], " "))
	}
	if err := enterRoot(m.root); err != nil {
		return err
	}
	if m.in, err = inspect(m.path, m.user); err != nil {
		return err
	}
	m.addFindings()
	m.addSystem()
	m.addRunning()
	m.addResolver()
	m.addPackages()
	m.addFlags()
	m.addKey()
	m.addUnits()
	m.addWritten()
	m.addCalls()
	m.addSecurity()
	slices.SortStableFunc(m.concerns, func(a, b concern) int { return int(a.severity) - int(b.severity) })
	return nil
}

// addFindings adds what --check-config tells: first names that are no longer
// answered.
func (m *migration) addFindings() {
	findings := slices.Clone(m.in.findings)
	slices.SortStableFunc(findings, func(a, b namedconf.Finding) int { return harm(a.Message) - harm(b.Message) })
	for _, f := range findings {
		if f.Severity == namedconf.Harmless && !m.verbose {
			continue // counted
		}
		m.concerns = append(m.concerns, concernOf(f))
	}
}

// harm is less for what clients notice more.
func harm(message string) int {
	for i, text := range []string{"REFUSED", "SERVFAIL"} {
		if strings.Contains(message, text) {
			return i
		}
	}
	return 2
}

func (m *migration) status() int {
	switch of := func(s namedconf.Severity) bool {
		return slices.ContainsFunc(m.concerns, func(c concern) bool { return c.severity == s })
	}; {
	case of(namedconf.Error):
		return mendFirst
	case of(namedconf.Change):
		return somethingChanges
	}
	return nothingChanges
}

func (m *migration) add(severity namedconf.Severity, pos namedconf.Pos, what, do string) {
	m.concerns = append(m.concerns, concern{severity, pos, what, do})
}
