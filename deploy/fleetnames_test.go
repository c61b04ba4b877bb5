package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

var nameChecks = []check{
	{"names", checkNames},
	{"names' rights", checkNamesRights},
	{"names' calls", checkNamesCalls},
}

// checkNames: the Lambda keeps the name of these groups' members, in this zone.
func checkNames(f *findings) {
	f.equal("environment", f.property("Names", "Environment", "Variables"), map[string]any{
		"GROUPS": fmt.Sprint(f.property("GroupA", "AutoScalingGroupName"), " ", f.property("GroupB", "AutoScalingGroupName")),
		"NAME":   f.values["MembersName"], "ZONE": f.values["HostedZoneId"],
	})
	f.equal("Handler", f.property("Names", "Handler"), "index.handler")
	f.equal("Role", f.property("Names", "Role"), "${NamesRole.Arn}")
	f.equal("Runtime", fmt.Sprint(f.property("Names", "Runtime"), f.property("Names", "Architectures")), "python3.13[arm64]")
	f.equal("Timeout", f.property("Names", "Timeout"), 30) // three questions of AWS, and less than the clock's minute
	f.equal("log's days", f.property("NamesLog", "RetentionInDays"), 30)
	if !f.needs("Names")["NamesLog"] {
		f.add("Lambda may make its log group itself, which then outlives the stack")
	}
	f.equal("log", f.property("NamesLog", "LogGroupName"), "/aws/lambda/"+text(f.property("Names", "FunctionName")))
	const most = 4096 // octets of a ZipFile that have always been taken
	if n := len(text(f.property("Names", "Code", "ZipFile"))); n == 0 || n > most {
		f.add("the code has %d octets, want 1 to %d", n, most)
	}
	f.equal("output Failover", f.outputs["Failover"], "--forwarder "+f.values["MembersName"])
}

// checkNamesRights: it may change one name, and see who is there.
func checkNamesRights(f *findings) {
	zone := "arn:aws:route53:::hostedzone/" + f.values["HostedZoneId"]
	f.equal("NamesRole", statements(f.property("NamesRole", "Policies")), []string{
		"route53:ChangeResourceRecordSets " + zone, "route53:ListResourceRecordSets " + zone,
		"autoscaling:DescribeAutoScalingGroups,ec2:DescribeInstances *", "logs:CreateLogStream,logs:PutLogEvents ${NamesLog.Arn}"})
	f.equal("NamesRole's others", f.property("NamesRole", "ManagedPolicyArns"), nil)
	f.equal("NamesRole", principal(f, "NamesRole"), "lambda.amazonaws.com")
	const names, types, actions = "route53:ChangeResourceRecordSetsNormalizedRecordNames", "route53:ChangeResourceRecordSetsRecordTypes", "route53:ChangeResourceRecordSetsActions"
	f.equal("limits", f.property("NamesRole", "Policies", 0, "PolicyDocument", "Statement", 0, "Condition"), map[string]any{
		"ForAllValues:StringEquals": map[string]any{names: []any{f.values["MembersName"]}, types: []any{"A"}, actions: []any{"UPSERT", "DELETE"}},
		"Null":                      map[string]any{names: "false", types: "false", actions: "false"},
	})
}

// checkNamesCalls: it is called when a member came or went, and each minute.
func checkNamesCalls(f *findings) {
	f.equal("Changes", f.property("Changes", "EventPattern"), map[string]any{
		"source":      []any{"aws.autoscaling"},
		"detail-type": []any{"EC2 Instance Launch Successful", "EC2 Instance Terminate Successful"},
		"detail":      map[string]any{"AutoScalingGroupName": []any{f.property("GroupA", "AutoScalingGroupName"), f.property("GroupB", "AutoScalingGroupName")}},
	})
	f.equal("Clock", f.property("Clock", "ScheduleExpression"), "rate(1 minute)")
	for _, rule := range []string{"Changes", "Clock"} {
		f.equal(rule+"'s targets", f.property(rule, "Targets"), []any{map[string]any{"Id": "names", "Arn": "${Names.Arn}"}})
		f.equal(rule+"'s state", f.property(rule, "State"), nil)
		f.equal(rule, f.resources[rule+"MayCall"].properties, map[string]any{
			"FunctionName": "${Names}", "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com", "SourceArn": "${" + rule + ".Arn}"})
	}
}

// made is what testdata/fleet.py prints.
type made struct {
	Status string
	Steps  []struct {
		Step          string
		Want, Have    []string
		Kinds         []string
		Others, Wrote int
	}
}

// makeFleet runs it, or skips the test where it cannot run.
func makeFleet(t *testing.T, args ...string) (m made) {
	t.Helper()
	// Not any python3: the one that moto was installed with.
	python := filepath.Join(filepath.Dir(tool(t, "moto_server", "'moto[all]'")), "python3")
	if err := exec.Command(python, "-c", "import boto3, moto").Run(); err != nil {
		t.Skip("Python has no moto, in which stacks are made: pip install 'moto[all]'")
	}
	out, err := exec.Command(python, append([]string{"testdata/fleet.py"}, args...)...).Output()
	if err != nil {
		t.Fatalf("fleet.py: %v\n%s", err, err.(*exec.ExitError).Stderr)
	}
	if err := json.Unmarshal(out, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// moto makes the fleet, and the Lambda of the template follows what becomes of members
// there: the name has who may be asked, is written when that changes, and goes when
// nobody is left.
func TestFleetNames(t *testing.T) {
	code := filepath.Join(t.TempDir(), "index.py")
	s := load(t, "fleet.yaml").with(t, fleetGiven())
	if err := os.WriteFile(code, []byte(text(dig(s.resources["Names"].properties, "Code", "ZipFile"))), 0o600); err != nil {
		t.Fatal(err)
	}
	fleet := makeFleet(t, "fleet.yaml", code)
	if fleet.Status != "CREATE_COMPLETE" {
		t.Fatalf("moto says %q, want CREATE_COMPLETE", fleet.Status)
	}
	writes := map[string]int{"launched": 4, "one more": 5, "one is launched": 4, "one drains": 5, "one less": 4, "none left": 0, "one again": 1}
	for _, step := range fleet.Steps {
		count, writing := writes[step.Step]
		if !slices.Equal(step.Have, step.Want) || writing && len(step.Have) != count {
			t.Errorf("%s: the name has %v, want the %d of %v", step.Step, step.Have, count, step.Want)
		}
		if (step.Wrote == 1) != writing || step.Wrote > 1 {
			t.Errorf("%s: %d changes, want one only if there is something to change", step.Step, step.Wrote)
		}
		if len(step.Have) > 0 && !slices.Equal(step.Kinds, []string{"A 5"}) || step.Others != 2 {
			t.Errorf("%s: records %v and %d others, want an A with TTL 5, and the zone's own two", step.Step, step.Kinds, step.Others)
		}
	}
	if len(fleet.Steps) != 10 {
		t.Errorf("%d steps, want 10", len(fleet.Steps))
	}
}
