package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// TestTemplate checks that a zone which names a template has its options, but
// for those that it has itself.
func TestTemplate(t *testing.T) {
	const zone = `zone "A.example." { type forward; forward only; forwarders { 192.0.2.1; }; };`
	const template = ` template t { type forward; forward only; forwarders { 192.0.2.1; }; };`
	for _, c := range []struct{ name, conf, plain string }{
		{"all", `zone "A.example." { template t; };` + template, zone},
		{"before", template + ` zone "A.example." { template "t"; };`, zone},
		{"own hides", `zone "a.example" { template t; type forward; forwarders { 192.0.2.2; }; };` + template, strings.Replace(zone, "2.1", "2.2", 1)},
		{"first of two holds", template + ` template t { type hint; }; zone "A.example." { template t; };`, zone},
		{"two zones", template + ` zone a { template t; }; zone b { template t; };`, strings.Replace(zone, "A.example.", "a", 1) + strings.Replace(zone, "A.example.", "b", 1)},
		{"in a view", template + ` view v { zone "a.example" { template t; }; };`, "view v { " + zone + " };"},
		{"unused", template, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, want := load(t, c.conf), load(t, c.plain); !reflect.DeepEqual(got, want) {
				t.Errorf("Config of %q is not that of %q:\n%s", c.conf, c.plain, difference(got, want))
			}
		})
	}
}

func TestTemplateFile(t *testing.T) {
	for name, view := range map[string]string{"_default": "%s", "inside": "view inside { %s };"} {
		conf := `template t { type primary; file "/nonexistent/$name/$TYPE.$view.$n"; }; ` +
			fmt.Sprintf(view, `zone "Example.COM." { template t; };`)
		want := "/nonexistent/example.com/primary." + name + ".$n"
		if _, _, got := ours(t, conf); !strings.Contains(got, want) {
			t.Errorf("findings in %q: %s, want an error of %s", conf, got, want)
		}
	}
}

func TestTemplateFindings(t *testing.T) {
	for _, c := range []struct{ name, conf, want string }{
		{"unknown", `zone a { type forward; template u; };`, "1:33: template 'u' not found\n"},
		{"no type", "template t { forwarders { }; };\nzone a { template t; };", "2:6: zone 'a': type not present\n"},
		{"another type's option", "template t {\n file \"x\"; };\nzone a { type forward; template t; };", "2:2: option 'file' is not allowed in a forward zone\n"},
		{"value of the zone's own", "template t { type forward; forwarders { 192.0.2.1; }; };\nzone a { template t; forward never; };", "2:30: expected 'first' or 'only' near 'never'\n"},
		{"template in a template", "template t { template u; };", "1:14: unknown option 'template' here: templates name no others\n"},
		{"template in a view", "view v { template t { }; };", "1:10: unknown option 'template' here: it belongs in top level, primary zone, forward zone, hint zone; is a '}' missing above?\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, got := ours(t, c.conf); apartFromRoots(got) != c.want {
				t.Errorf("findings in %q:\n%s\nwant\n%s", c.conf, got, c.want)
			}
		})
	}
}
