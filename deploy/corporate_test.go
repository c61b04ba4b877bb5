package deploy

import (
	"strings"
	"testing"

	"vpcdns/cmd/forwarder/lab"
)

// outputOf are the snippets of corporate.md that the stack has among its outputs,
// with the output's name.
var outputOf = map[string]string{
	"bind":             "Bind",
	"bind-options":     "BindOptions",
	"unbound":          "Unbound",
	"dnsmasq":          "Dnsmasq",
	"powerdns":         "PowerDns",
	"systemd-resolved": "SystemdResolved",
	"resolv.conf":      "ResolvConf",
	"windows":          "Windows",
}

// onThePage are snippets that are there only: they have nothing of the stack in them,
// or are for few.
var onThePage = map[string]bool{"jvm": true, "nscd": true, "bind-parent": true, "unbound-parent": true, "powerdns-lua": true}

// mostInOutput is CloudFormation's limit for an output's value, in characters.
const mostInOutput = 1024

// The outputs are what corporate.md says, with the stack's addresses and names.
func TestCorporateOutputs(t *testing.T) {
	tm := load(t, "pair.yaml")
	for name, set := range map[string]map[string]string{
		"as on the page": given(),
		"elsewhere":      yours("S3Endpoint", "existing", "ZoneName", "aws.example.corp", "FailoverName", "db.aws.example.corp"),
	} {
		t.Run(name, func(t *testing.T) {
			outputs, values := tm.with(t, set).outputs, tm.values(set)
			here := strings.NewReplacer("10.79.1.10", values["AddressA"], "10.79.2.10", values["AddressB"], "awslab.mycompany.corp", values["ZoneName"])
			for snippet, output := range outputOf {
				got, want := text(outputs[output]), here.Replace(lab.Snippets(t)[snippet])
				if got != want {
					t.Errorf("output %s is not the snippet %q of corporate.md: got\n%s\nwant\n%s", output, snippet, got, want)
				}
				if len(got) > mostInOutput {
					t.Errorf("output %s has %d characters, want %d at most", output, len(got), mostInOutput)
				}
			}
		})
	}
}

// All of the page's snippets have a place: in the lab, and in the template.
func TestCorporateSnippets(t *testing.T) {
	snippets := lab.Snippets(t)
	for name := range snippets {
		if outputOf[name] == "" && !onThePage[name] {
			t.Errorf("nothing is known of the snippet %q", name)
		}
	}
	for name := range outputOf {
		if snippets[name] == "" {
			t.Errorf("corporate.md has no snippet %q", name)
		}
	}
	for name := range lab.PlainSnippets(t) {
		if _, ok := snippets[name]; !ok {
			t.Errorf("corporate.md has no snippet %q, which is compared with a plain one", name)
		}
	}
}
