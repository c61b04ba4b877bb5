package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"vpcdns/forwarder/workbench"
)

// list is a string or several, as IAM has them.
type list []string

func (l *list) UnmarshalJSON(text []byte) error {
	if one := ""; json.Unmarshal(text, &one) == nil {
		*l = list{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(l))
}

// The policy allows what the program asks of Route 53, and nothing else; changes only
// of one name and its probe's wildcard.
func TestPolicy(t *testing.T) {
	text, err := os.ReadFile("../../deploy/failover-policy.json")
	if err != nil {
		t.Fatal(err)
	}
	var policy struct {
		Statement []struct {
			Effect           string
			Action, Resource list
			Condition        map[string]map[string]list
		}
	}
	if err := json.Unmarshal(text, &policy); err != nil {
		t.Fatal(err)
	}
	var allowed []string
	for _, s := range policy.Statement {
		allowed = append(allowed, s.Action...)
		if !slices.Contains(s.Action, "route53:ChangeResourceRecordSets") {
			continue
		}
		names := s.Condition["ForAllValues:StringEquals"]["route53:ChangeResourceRecordSetsNormalizedRecordNames"]
		if want := []string{"myservice.awslab.mycompany.corp", `\052.now.myservice.awslab.mycompany.corp`}; !slices.Equal(names, want) {
			t.Errorf("names that may be changed: %q, want %q", names, want)
		}
		for key := range s.Condition["ForAllValues:StringEquals"] { // which is true where there is no value
			if got := s.Condition["Null"][key]; !slices.Equal(got, list{"false"}) {
				t.Errorf("a request without %s is allowed", key)
			}
		}
		if slices.Contains(s.Resource, "*") {
			t.Errorf("changes are allowed in all zones")
		}
	}
	slices.Sort(allowed)
	if want := callsOf(t, "zone"); !slices.Equal(allowed, want) {
		t.Errorf("the policy allows %q, want what is called, %q", allowed, want)
	}
}

// callsOf are the calls of Route 53 in the sources of a directory.
func callsOf(t *testing.T, dir string) (calls []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\.api\.([A-Z]\w+)`).FindAllStringSubmatch(string(text), -1) {
			calls = append(calls, "route53:"+m[1])
		}
	}
	slices.Sort(calls)
	return slices.Compact(calls)
}

// Any POSIX shell runs the hooks.
func TestHooksArePOSIX(t *testing.T) {
	shellcheck := workbench.Need(t, "shellcheck")
	for _, name := range []string{"keepalived", "patroni", "ocf"} {
		path := filepath.Join("../../deploy/hooks", name)
		if out, err := exec.Command(shellcheck, "--shell=sh", path).CombinedOutput(); err != nil {
			t.Errorf("shellcheck %s: %v\n%s", name, err, out)
		}
		text, err := os.ReadFile(path)
		if err != nil || !strings.HasPrefix(string(text), "#!/bin/sh\n") {
			t.Errorf("%s does not begin with #!/bin/sh: %v", name, err)
		}
	}
}
