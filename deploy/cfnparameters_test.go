package deploy

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// parameter is what is given for one, or its default.
func (e *evaluation) parameter(name string, p map[string]any) any {
	v, ok := e.given[name]
	if !ok {
		v = text(p["Default"])
	}
	if kind := text(p["Type"]); kind != "CommaDelimitedList" && !strings.HasPrefix(kind, "List<") {
		return v
	}
	if v == "" {
		return []any{}
	}
	return anys(strings.Split(v, ","))
}

// checkParameters refuses what CloudFormation refuses of the given values.
func (e *evaluation) checkParameters() {
	for _, name := range slices.Sorted(maps.Keys(e.given)) {
		resource, _, _ := strings.Cut(name, ".")
		if e.parameters[name] == nil && e.resources[resource] == nil {
			e.fail("no parameter %s", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.parameters)) {
		p := section(e.parameters, name)
		v, given := e.given[name]
		if _, ok := p["Default"]; !ok && !given {
			e.fail("parameter %s has to be given", name)
		} else if !given {
			v = text(p["Default"])
		}
		if reason := refused(p, v); reason != "" && (given || p["Default"] != nil) {
			e.fail("parameter %s=%s: %s: %s", name, v, reason, text(p["ConstraintDescription"]))
		}
	}
}

// refused says which constraint of the parameter v breaks.
func refused(p map[string]any, v string) string {
	if pattern, ok := p["AllowedPattern"]; ok {
		whole, err := regexp.Compile("^(?:" + text(pattern) + ")$")
		if err != nil || !whole.MatchString(v) {
			return "not of AllowedPattern " + text(pattern)
		}
	}
	if allowed := list(p["AllowedValues"]); allowed != nil && !slices.Contains(allowed, v) {
		return "not one of " + strings.Join(allowed, ", ")
	}
	if p["Type"] == "Number" {
		n, err := strconv.ParseFloat(v, 64)
		least, _ := strconv.ParseFloat(text(p["MinValue"]), 64)
		if err != nil || p["MinValue"] != nil && n < least {
			return "no number of at least " + text(p["MinValue"])
		}
	}
	return ""
}

// checkRules holds the Rules section against the parameters.
func (e *evaluation) checkRules() {
	for _, name := range slices.Sorted(maps.Keys(e.rules)) {
		rule := section(e.rules, name)
		if condition, ok := rule["RuleCondition"]; ok && e.at("Rules."+name, condition) != true {
			continue
		}
		assertions, _ := rule["Assertions"].([]any)
		for _, each := range assertions {
			a, _ := each.(map[string]any)
			if e.at("Rules."+name, a["Assert"]) != true {
				e.fail("rule %s: %s", name, text(a["AssertDescription"]))
			}
		}
	}
}
