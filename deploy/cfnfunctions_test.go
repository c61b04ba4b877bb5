package deploy

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// evaluation works out a template's functions for given parameters. It goes on after
// what is wrong, and keeps it.
type evaluation struct {
	*template
	given map[string]string
	known map[string]bool // conditions that were worked out
	place string          // of what is being worked out
	wrong []error
}

func (e *evaluation) fail(format string, args ...any) {
	e.wrong = append(e.wrong, fmt.Errorf(format, args...))
}

// noValue is AWS::NoValue: what has it is left out.
type noValue struct{}

// pseudo are the parameters that each template has.
var pseudo = map[string]any{
	"AWS::AccountId": "123456789012", "AWS::Partition": "aws", "AWS::Region": "us-east-1",
	"AWS::StackId":   "arn:aws:cloudformation:us-east-1:123456789012:stack/pair/1",
	"AWS::StackName": "pair", "AWS::URLSuffix": "amazonaws.com", "AWS::NoValue": noValue{},
}

// at is value for what stands at a place, which errors name.
func (e *evaluation) at(place string, v any) any {
	e.place = place
	return e.value(v)
}

// value works out v, which may hold functions at any depth.
func (e *evaluation) value(v any) any {
	switch v := v.(type) {
	case []any:
		all := make([]any, 0, len(v))
		for _, each := range v {
			if each = e.value(each); each != (noValue{}) {
				all = append(all, each)
			}
		}
		return all
	case map[string]any:
		if name, arg, ok := function(v); ok {
			return e.call(name, arg)
		}
		m := make(map[string]any)
		for key, each := range v {
			if each = e.value(each); each != (noValue{}) {
				m[key] = each
			}
		}
		return m
	}
	return v
}

// function tells a function from a map: it is the only key. (A statement of a policy has
// a Condition too, which is a map.)
func function(m map[string]any) (name string, arg any, ok bool) {
	if len(m) != 1 {
		return "", nil, false
	}
	for name, arg = range m {
	}
	_, named := arg.(string)
	return name, arg, name == "Ref" || name == "Condition" && named || strings.HasPrefix(name, "Fn::")
}

func (e *evaluation) call(name string, arg any) any {
	switch name {
	case "Ref":
		return e.ref(text(arg))
	case "Condition":
		return e.holds(arg)
	case "Fn::If":
		return e.branch(arg)
	case "Fn::Sub":
		return e.sub(arg)
	case "Fn::GetAtt":
		return e.attribute(strings.Join(list(arg), "."))
	case "Fn::Base64":
		return e.value(arg) // the text is more use here
	}
	args, ok := e.value(arg).([]any)
	if name == "Fn::GetAZs" {
		return []any{text(pseudo["AWS::Region"]) + "a", text(pseudo["AWS::Region"]) + "b", text(pseudo["AWS::Region"]) + "c"}
	}
	if !ok {
		e.fail("%s: %s wants a list", e.place, name)
		return ""
	}
	return e.apply(name, args)
}

// apply calls a function whose arguments have been worked out.
func (e *evaluation) apply(name string, args []any) any {
	switch {
	case name == "Fn::Not" && len(args) == 1:
		return args[0] != true
	case name == "Fn::And":
		return !slices.Contains(args, any(false))
	case name == "Fn::Or":
		return slices.Contains(args, any(true))
	case name == "Fn::Equals" && len(args) == 2:
		return text(args[0]) == text(args[1])
	case name == "Fn::EachMemberEquals" && len(args) == 2:
		return !slices.ContainsFunc(list(args[0]), func(v string) bool { return v != text(args[1]) })
	case name == "Fn::Join" && len(args) == 2:
		return strings.Join(list(args[1]), text(args[0]))
	case name == "Fn::Split" && len(args) == 2:
		return anys(strings.Split(text(args[1]), text(args[0])))
	case name == "Fn::Select" && len(args) == 2:
		return e.selected(args[0], args[1])
	case name == "Fn::FindInMap" && len(args) == 3:
		return e.find(text(args[0]), text(args[1]), text(args[2]))
	}
	e.fail("%s: no function %s of %d arguments", e.place, name, len(args))
	return ""
}

func anys(all []string) []any {
	out := make([]any, 0, len(all))
	for _, each := range all {
		out = append(out, each)
	}
	return out
}

func (e *evaluation) selected(index, of any) any {
	all, _ := of.([]any)
	i, err := strconv.Atoi(text(index))
	if err != nil || i < 0 || i >= len(all) {
		e.fail("%s: Select has no %v of %v", e.place, index, of)
		return ""
	}
	return all[i]
}

func (e *evaluation) find(name, key, sub string) any {
	v, ok := section(section(e.mappings, name), key)[sub]
	if !ok {
		e.fail("%s: no %s, %s, %s in Mappings", e.place, name, key, sub)
	}
	return v
}

// branch evaluates only the one that counts: the other may name what is not there.
func (e *evaluation) branch(arg any) any {
	args, ok := arg.([]any)
	if !ok || len(args) != 3 {
		e.fail("%s: If wants three arguments", e.place)
		return ""
	}
	if e.holds(args[0]) {
		return e.value(args[1])
	}
	return e.value(args[2])
}

// holds works out a condition by its name; what has none holds.
func (e *evaluation) holds(name any) bool {
	if name == nil {
		return true
	}
	key := text(name)
	if is, done := e.known[key]; done {
		return is
	}
	expression, ok := e.conditions[key]
	if !ok {
		e.fail("%s: no condition %s", e.place, key)
	}
	is, _ := e.value(expression).(bool)
	e.known[key] = is
	return is
}

// ref is a parameter's value, or stands for a resource.
func (e *evaluation) ref(name string) any {
	if v, ok := pseudo[name]; ok {
		return v
	}
	if p := section(e.parameters, name); p != nil {
		return e.parameter(name, p)
	}
	return e.attribute(name)
}

// attribute stands for a resource's, which AWS makes, unless it is given.
func (e *evaluation) attribute(name string) any {
	if v, ok := e.given[name]; ok {
		return v
	}
	if resource, _, _ := strings.Cut(name, "."); !e.exists(resource) {
		e.fail("%s: %s is neither a parameter nor a resource that is there", e.place, resource)
	}
	return "${" + name + "}"
}

var variable = regexp.MustCompile(`\$\{(!?)([^}]*)\}`)

func (e *evaluation) sub(arg any) any {
	own := map[string]any{}
	if args, ok := arg.([]any); ok && len(args) == 2 {
		own, _ = args[1].(map[string]any)
		arg = args[0]
	}
	format, ok := arg.(string)
	if !ok {
		e.fail("%s: Sub wants a text", e.place)
	}
	return variable.ReplaceAllStringFunc(format, func(match string) string {
		parts := variable.FindStringSubmatch(match)
		if parts[1] == "!" {
			return "${" + parts[2] + "}"
		}
		if v, ok := own[parts[2]]; ok {
			return text(e.value(v))
		}
		return text(e.ref(parts[2]))
	})
}
