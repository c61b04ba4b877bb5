package deploy

import (
	"regexp"
	"strings"
	"testing"

	"vpcdns/forwarder/workbench"
)

// What aws.md assigns for the fleet are parameters, or preferences of a refresh.
func TestFleetReadmeParameters(t *testing.T) {
	tm := load(t, "fleet.yaml")
	section := sectionOf(t, "The fleet")
	preferences := regexp.MustCompile(`--preferences \S+`).ReplaceAllString(section, "")
	all := assignment.FindAllStringSubmatch(preferences, -1)
	for _, a := range all {
		if tm.parameters[a[1]] == nil {
			t.Errorf("aws.md has %s, which is no parameter of fleet.yaml", a[0])
		}
	}
	if len(all) < 6 {
		t.Errorf("%d assignments, want 6 or more", len(all))
	}
}

// The aws command takes the lines of aws.md about groups as they are; it is not let out.
func TestFleetReadmeCommands(t *testing.T) {
	workbench.Need(t, "aws")
	scripts, count := commands(sectionOf(t, "The fleet")), 0
	for _, script := range scripts {
		if strings.HasPrefix(script, "aws autoscaling ") {
			count++
			out, err := output("sh", "-euc", "AWS_DEFAULT_REGION=us-east-1 "+strings.TrimSpace(script)+" --generate-cli-skeleton output")
			if err != nil {
				t.Errorf("%s: %v\n%s", script, err, out)
			}
		}
	}
	if count != 2 {
		t.Errorf("%d commands of autoscaling, want 2", count)
	}
}
