package deploy

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"vpcdns/forwarder/workbench"
)

// ruleTests is alerts_test.yaml.
type ruleTests struct {
	RuleFiles []string      `yaml:"rule_files"`
	Interval  string        `yaml:"evaluation_interval"`
	Tests     []seriesTests `yaml:"tests"`
}

// seriesTests are those about some series.
type seriesTests struct {
	Name     string           `yaml:"name"`
	Interval string           `yaml:"interval"`
	Series   []map[string]any `yaml:"input_series"`
	Exprs    []exprTest       `yaml:"promql_expr_test"`
	Alerts   []map[string]any `yaml:"alert_rule_test,omitempty"`
}

type exprTest struct {
	Expr    string           `yaml:"expr"`
	At      string           `yaml:"eval_time"`
	Samples []map[string]any `yaml:"exp_samples,omitempty"`
}

// mutant is a rule that is a little wrong.
type mutant struct {
	name string // its alert's
	what string // was changed
	expr string
	wait time.Duration
}

// Every clause, threshold, range and wait of the alerts matters to alerts_test.yaml: a rule
// in which one is another fails there.
func TestAlertMutants(t *testing.T) {
	promtool := workbench.Need(t, "promtool")
	var all ruleTests
	if err := yaml.Unmarshal([]byte(read(t, "alerts_test.yaml")), &all); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	args, mutants := []string{"test", "rules"}, map[string]mutant{}
	for _, a := range loadAlerts(t) {
		file := filepath.Join(dir, a.Alert+"_test.yaml")
		args = append(args, file)
		list := mutantsOf(t, a)
		for _, m := range list {
			mutants[m.name] = m
		}
		writeYAML(t, filepath.Join(dir, a.Alert+".yaml"), rulesOf(list, a))
		writeYAML(t, file, all.of(a, list))
	}
	out, _ := exec.Command(promtool, args...).CombinedOutput()
	if text := string(out); strings.Contains(text, "parse error") || strings.Contains(text, "yaml:") {
		t.Fatalf("promtool does not understand the mutants:\n%.2000s", text)
	}
	for _, name := range slices.Sorted(maps.Keys(mutants)) {
		if isKilled := strings.Contains(string(out), `\"`+name+`\"`); isKilled == strings.HasSuffix(name, "Mutant0") {
			t.Errorf("%s: that %s makes no difference to alerts_test.yaml", name, mutants[name].what)
		}
	}
}

// mutantsOf are those of a, and first a itself.
func mutantsOf(t *testing.T, a alert) []mutant {
	t.Helper()
	wait := time.Duration(0)
	if a.For != "" {
		var err error
		if wait, err = time.ParseDuration(a.For); err != nil {
			t.Fatal(err)
		}
	}
	list := []mutant{{what: "it is the rule", expr: a.Expr, wait: wait}}
	add := func(expr, what string, args ...any) {
		list = append(list, mutant{what: fmt.Sprintf(what, args...), expr: expr, wait: wait})
	}
	for _, d := range []time.Duration{-30 * time.Second, 30 * time.Second} { // an evaluation
		if wait+d >= 0 {
			list = append(list, mutant{what: fmt.Sprintf("it waits for %v", wait+d), expr: a.Expr, wait: wait + d})
		}
	}
	for _, at := range comparison.FindAllStringSubmatchIndex(a.Expr, -1) {
		op, number := a.Expr[at[2]:at[3]], a.Expr[at[4]:at[5]]
		for _, other := range otherThan(op, number) {
			add(a.Expr[:at[2]]+other+a.Expr[at[5]:], "%q is %q", op+" "+number, other)
		}
	}
	for _, at := range rangeText.FindAllStringSubmatchIndex(a.Expr, -1) {
		add(a.Expr[:at[2]]+"1m"+a.Expr[at[3]:], "%q is 1m", a.Expr[at[2]:at[3]])
	}
	for _, cut := range withoutClauses(a.Expr) {
		add(cut, "it is %q", cut)
	}
	for i := range list {
		list[i].name = fmt.Sprintf("%sMutant%d", a.Alert, i)
	}
	return list
}

var (
	comparison = regexp.MustCompile(`([<>]|==) ([0-9.]+)`)
	rangeText  = regexp.MustCompile(`\[(\w+)\]`)
	binary     = regexp.MustCompile(`\b(?:and|or|unless)\b`)
)

// otherThan are comparisons that are a little off.
func otherThan(op, number string) (list []string) {
	n, _ := strconv.ParseFloat(number, 64) // the pattern has no others
	if op == "==" {
		return []string{"!= " + number}
	}
	if n == 0 {
		return []string{op + "= 0"}
	}
	return []string{fmt.Sprintf("%s %g", op, n*0.8), fmt.Sprintf("%s %g", op, n*1.25)}
}

// withoutClauses are what is left of an expression without one operand of and, or, unless:
// without the right one, and of or without the left one.
func withoutClauses(expr string) (list []string) {
	for _, at := range binary.FindAllStringIndex(expr, -1) {
		end := operandEnd(expr, at[1])
		list = append(list, expr[:at[0]]+expr[end:])
		if expr[at[0]:at[1]] == "or" {
			list = append(list, expr[at[1]:])
		}
	}
	return list
}

// operandEnd is where what begins at i ends: at its parenthesis, the next operator, or the
// end.
func operandEnd(expr string, i int) int {
	depth := 0
	for ; i < len(expr); i++ {
		switch {
		case expr[i] == '(':
			depth++
		case expr[i] == ')' && depth == 0:
			return i
		case expr[i] == ')':
			depth--
		case depth == 0 && binary.MatchString(expr[i:min(i+7, len(expr))]) && binary.FindStringIndex(expr[i:])[0] == 0 && expr[i-1] == ' ':
			return i
		}
	}
	return i
}

// rulesOf are rules of the mutants of a.
func rulesOf(mutants []mutant, a alert) any {
	var rules []map[string]any
	for _, m := range mutants {
		rules = append(rules, map[string]any{"alert": m.name, "expr": strings.Join(strings.Fields(m.expr), " "), "for": m.wait.String(), "labels": a.Labels})
	}
	return map[string]any{"groups": []any{map[string]any{"name": a.Alert, "rules": rules}}}
}

// of are the tests whose series a rule reads, with what they want of it wanted of each of
// its mutants.
func (all ruleTests) of(a alert, mutants []mutant) ruleTests {
	one := ruleTests{RuleFiles: []string{a.Alert + ".yaml"}, Interval: all.Interval}
	for _, s := range all.Tests {
		if !s.isAbout(a) {
			continue
		}
		var exprs []exprTest
		for _, e := range s.Exprs {
			for _, m := range mutants {
				exprs = append(exprs, e.of(a.Alert, m.name))
			}
		}
		s.Exprs, s.Alerts = exprs, nil
		one.Tests = append(one.Tests, s)
	}
	return one
}

var seriesName = regexp.MustCompile(`^\w+`)

// isAbout reports whether a rule reads some of the series.
func (s *seriesTests) isAbout(a alert) bool {
	return slices.ContainsFunc(s.Series, func(one map[string]any) bool {
		name := seriesName.FindString(one["series"].(string))
		return regexp.MustCompile(`\b` + name + `\b`).MatchString(a.Expr)
	})
}

// of wants of a mutant what is wanted of its alert.
func (e exprTest) of(alert, mutant string) exprTest {
	e.Expr = strings.ReplaceAll(e.Expr, `{alertstate=`, fmt.Sprintf(`{alertname=%q, alertstate=`, mutant))
	var wanted []map[string]any
	for _, sample := range e.Samples {
		label := fmt.Sprintf("alertname=%q", alert)
		if text := sample["labels"].(string); strings.Contains(text, label) {
			wanted = append(wanted, map[string]any{"labels": strings.Replace(text, label, fmt.Sprintf("alertname=%q", mutant), 1), "value": sample["value"]})
		}
	}
	e.Samples = wanted
	return e
}

func writeYAML(t *testing.T, path string, v any) {
	t.Helper()
	text, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}
