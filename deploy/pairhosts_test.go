package deploy

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

var hostChecks = []check{
	{"running", checkRunning},
	{"machine", checkMachine},
	{"untouched", checkUntouched},
	{"user data", checkUserData},
	{"one at a time", checkOneAtATime},
	{"wait", checkWait},
	{"alarms", checkAlarms},
}

// running are the forwarders that are there: A, B.
func (f *findings) running() (all []string) {
	for _, x := range []string{"A", "B"} {
		if f.values["Forwarder"+x] == "running" {
			all = append(all, x)
		}
	}
	return all
}

// checkRunning: a forwarder that is absent leaves its interface, and nothing else.
func checkRunning(f *findings) {
	var instances []string
	for _, x := range f.running() {
		instances = append(instances, "Instance"+x)
	}
	f.equal("instances", f.of("AWS::EC2::Instance"), instances)
	f.equal("interfaces", f.of("AWS::EC2::NetworkInterface"), "[InterfaceA InterfaceB]")
	for _, kind := range []string{"AWS::EC2::LaunchTemplate", "AWS::CloudFormation::WaitCondition", "AWS::CloudFormation::WaitConditionHandle"} {
		f.equal(kind, len(f.of(kind)), len(instances))
	}
}

// checkMachine: a machine of each forwarder's own, at an interface of its own.
func checkMachine(f *findings) {
	for _, x := range f.running() {
		data := f.launched("LaunchTemplate" + x)
		for _, want := range []property{
			{"${ForwarderProfile.Arn}", []any{"IamInstanceProfile", "Arn"}},
			{[]any{map[string]any{"DeviceIndex": 0, "NetworkInterfaceId": "${Interface" + x + "}"}}, []any{"NetworkInterfaces"}},
		} {
			f.equal("LaunchTemplate"+x+fmt.Sprint(want.path), dig(data, want.path...), want.value)
		}
		f.equal("DisableApiTermination", f.property("Instance"+x, "DisableApiTermination"), f.values["TerminationProtection"])
	}
}

// property is what stands at a path.
type property struct {
	value any
	path  []any
}

// launched returns the data of a launch template, which is for the smallest of the T
// family that serves, with nothing open.
func (f *findings) launched(template string) any {
	family, image := "t4g", "arm64"
	if f.values["Architecture"] == "x86_64" {
		family, image = "t3", "x86_64"
	}
	data := f.property(template, "LaunchTemplateData")
	for _, want := range []property{
		{family + "." + f.values["Size"], []any{"InstanceType"}},
		{"{{resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-" + image + "}}", []any{"ImageId"}},
		{"unlimited", []any{"CreditSpecification", "CpuCredits"}},
		{"required", []any{"MetadataOptions", "HttpTokens"}},
		{1, []any{"MetadataOptions", "HttpPutResponseHopLimit"}},
		{"enabled", []any{"MetadataOptions", "HttpEndpoint"}},
		{8, []any{"BlockDeviceMappings", 0, "Ebs", "VolumeSize"}}, // no smaller than the image
		{"/dev/xvda", []any{"BlockDeviceMappings", 0, "DeviceName"}},
		{true, []any{"BlockDeviceMappings", 0, "Ebs", "Encrypted"}},
		{"gp3", []any{"BlockDeviceMappings", 0, "Ebs", "VolumeType"}},
		{true, []any{"BlockDeviceMappings", 0, "Ebs", "DeleteOnTermination"}},
		{nil, []any{"BlockDeviceMappings", 1}},
		{nil, []any{"SecurityGroupIds"}},
	} {
		f.equal(template+fmt.Sprint(want.path), dig(data, want.path...), want.value)
	}
	f.equal(template+"'s KeyName", text(dig(data, "KeyName")), f.values["KeyPair"])
	return data
}

// checkUntouched: an instance has no property that a change of parameters could change,
// which would stop or replace it.
func checkUntouched(f *findings) {
	for _, x := range f.running() {
		f.equal("Instance"+x, f.resources["Instance"+x].properties, map[string]any{
			"LaunchTemplate":        map[string]any{"LaunchTemplateId": "${LaunchTemplate" + x + "}", "Version": "1"},
			"DisableApiTermination": f.values["TerminationProtection"],
			"Tags":                  []any{map[string]any{"Key": "Name", "Value": "pair-" + strings.ToLower(x)}},
		})
		f.equal("LaunchTemplate"+x+"'s name", f.property("LaunchTemplate"+x, "LaunchTemplateName"), nil)
	}
}

// checkUserData: bash can read it, EC2 can hold it, and its head is of this forwarder.
func checkUserData(f *findings) {
	other := map[string]string{"A": f.values["AddressB"], "B": f.values["AddressA"]}
	for _, x := range f.running() {
		data := text(f.property("LaunchTemplate"+x, "LaunchTemplateData", "UserData"))
		if !strings.HasPrefix(data, "#!/bin/bash\n") {
			f.add("%s does not begin with #!/bin/bash", x)
		}
		if len(data) > 16384 {
			f.add("%s has %d octets, want at most 16384", x, len(data))
		}
		for _, want := range []string{
			"address=" + f.values["Address"+x], "region=us-east-1", "package=" + f.values["PackageUrl"], "sum=" + f.values["PackageSha256"], "secret=${Key}",
			"clients=" + f.values["Clients"], "resolver=" + f.values["Resolver"], "vpc=" + f.values["VpcCidr"],
			"zone=" + f.values["ZoneName"], "name=" + f.values["FailoverName"], "monitoring=" + f.values["Monitoring"],
			"peer=" + other[x], "ready='${Ready" + x + "}'",
		} {
			if strings.Count(data, "\n"+want+"\n") != 1 {
				f.add("%s has no line %q, or more than one", x, want)
			}
		}
		for _, want := range []string{"acl goodclients {\n    $clients; ${peer:+$peer;}\n", `"--watch=$name ${peer:+--member=$peer --peer=$peer} ${more:-}"`} {
			if !strings.Contains(data, want) {
				f.add("%s: the script makes nothing of peer= in %q", x, want)
			}
		}
		f.wholeScript(x, data, "LaunchTemplate"+x)
	}
}

// wholeScript: EC2 is given base64 of the head and of all of the script, which fits bash.
func (f *findings) wholeScript(x, data, launch string) {
	script := text(dig(f.template.mappings, "UserData", "Script", "Text"))
	if !strings.HasSuffix(data, "'\n"+script) || script == "" {
		f.add("%s: the script does not follow the head", x)
	}
	if raw := dig(f.template.resources, launch, "Properties", "LaunchTemplateData", "UserData", "Fn::Base64"); raw == nil {
		f.add("%s is not in base64", x)
	}
	if !strings.Contains(script, `if [ -n "$sum" ]; then step "comparing $package" sha256sum --check <<<"$sum  $work/forwarder.rpm"; fi`) {
		f.add("%s installs a package without comparing it", x)
	}
	for _, wait := range regexp.MustCompile(`patiently (\d+)`).FindAllStringSubmatch(script, -1) {
		if end, _ := strconv.Atoi(wait[1]); end > 600 {
			f.add("%s waits for %d s, and with what follows longer than the stack", x, end)
		}
	}
	f.bash(x, data)
}

// bash has bash look for errors of syntax; where there is no bash it looks for none.
func (f *findings) bash(x, script string) {
	said, ok := syntax.Load(script)
	if !ok {
		said = syntaxErrors(script)
		syntax.Store(script, said)
	}
	if said != "" {
		f.add("%s: bash: %s", x, said)
	}
}

// syntax is what bash said of each script: planted errors leave most as they are, and there
// are thousands of stacks to look at.
var syntax sync.Map

func syntaxErrors(script string) string {
	bash, err := exec.LookPath("bash")
	if err != nil {
		return ""
	}
	cmd := exec.Command(bash, "-n")
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Sprintf("%v: %s", err, bytes.TrimSpace(out))
	}
	return ""
}

// checkOneAtATime: B is made after A serves, and neither is touched for the other.
func checkOneAtATime(f *findings) {
	if len(f.running()) < 2 {
		return
	}
	if !f.needs("InstanceB")["ServesA"] {
		f.add("B does not wait until A serves")
	}
	if needs := f.needs("InstanceA"); needs["InstanceB"] || needs["LaunchTemplateB"] {
		f.add("A waits for B")
	}
}

// checkWait: the stack waits for each forwarder, with room for a slow start.
func checkWait(f *findings) {
	for _, x := range f.running() {
		f.equal("Handle", f.property("Serves"+x, "Handle"), "${Ready"+x+"}")
		f.equal("Timeout", f.property("Serves"+x, "Timeout"), "900")
		f.equal("Count", f.property("Serves"+x, "Count"), nil)
		f.equal("DependsOn", f.resources["Serves"+x].dependsOn, "[Instance"+x+"]")
		if f.values["FailoverAddress"] != "" && !f.needs("Instance" + x)["FailoverRecord"] {
			f.add("forwarder %s may ask for the name before it is there", x)
		}
	}
}

// checkAlarms: each forwarder has five, two of which mend.
func checkAlarms(f *findings) {
	topic := []any{}
	if f.values["AlarmTopic"] != "" {
		topic = []any{f.values["AlarmTopic"]}
	}
	for _, x := range f.running() {
		for _, want := range []struct{ name, alarm, action string }{
			{"Recover", "StatusCheckFailed_System Maximum 60 2 GreaterThanOrEqualToThreshold 1", "recover"},
			{"Reboot", "StatusCheckFailed_Instance Maximum 60 3 GreaterThanOrEqualToThreshold 1", "reboot"},
			{"Busy", "CPUUtilization Average 300 2 GreaterThanThreshold 70", ""},
			{"Credits", "CPUSurplusCreditsCharged Maximum 300 1 GreaterThanThreshold 0", ""},
			{"Quiet", "NetworkPacketsOut Sum 300 2 LessThanThreshold " + f.values["QuietPackets"], ""},
		} {
			p := f.resources[want.name+x].properties
			f.equal(want.name+x, fmt.Sprint(dig(p, "MetricName"), " ", dig(p, "Statistic"), " ", dig(p, "Period"), " ",
				dig(p, "EvaluationPeriods"), " ", dig(p, "ComparisonOperator"), " ", dig(p, "Threshold")), want.alarm)
			f.equal(want.name+x, dig(p, "Namespace"), "AWS/EC2")
			f.equal(want.name+x, dig(p, "Dimensions"), []any{map[string]any{"Name": "InstanceId", "Value": "${Instance" + x + "}"}})
			actions := topic
			if want.action != "" {
				actions = slices.Concat([]any{"arn:aws:automate:us-east-1:ec2:" + want.action}, topic)
			}
			f.equal(want.name+x+"'s AlarmActions", dig(p, "AlarmActions"), actions)
			var missing any
			if want.name == "Quiet" {
				missing = "breaching"
			}
			f.equal(want.name+x+" without data", dig(p, "TreatMissingData"), missing)
			f.equal(want.name+x+"'s OKActions", dig(p, "OKActions"), topic)
		}
	}
	f.equal("alarms", len(f.of("AWS::CloudWatch::Alarm")), 5*len(f.running()))
	checkQuiet(f)
}

// checkQuiet: of a dead forwarder, Linux sends an ICMP error a second to each host that
// asks, and the alarm must not take these for answers.
func checkQuiet(f *findings) {
	const (
		errors      = 300                    // in five minutes
		servers     = 2                      // as corporate DNS has
		dead        = errors * (servers + 1) // the other forwarder asks too
		room        = 300                    // for the host's own packets
		askedByNone = 900                    // from a live one: to the other forwarder and to the resolver
	)
	f.equal("QuietPackets", dig(f.template.parameters, "QuietPackets", "Default"), max(dead+room, askedByNone+1))
	rule := fmt.Sprintf("%d for each server that asks, and %d:", errors, errors+room)
	if said := fmt.Sprint(dig(f.template.parameters, "QuietPackets", "Description")); !strings.Contains(said, rule) {
		f.add("QuietPackets does not say %q, but %q", rule, said)
	}
}
