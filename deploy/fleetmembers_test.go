package deploy

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

var memberChecks = []check{
	{"addresses", checkFleetAddresses},
	{"groups", checkMemberGroups},
	{"room", checkRoom},
	{"machine", checkMemberMachine},
	{"user data", checkMemberUserData},
	{"wait", checkFleetWait},
	{"key", checkFleetKey},
	{"members' rights", checkMemberRights},
	{"alarms", checkFleetAlarms},
}

// checkFleetAddresses: the balancer's are of the VPC and may be had in a /24.
func checkFleetAddresses(f *findings) {
	vpc, err := netip.ParsePrefix(f.values["VpcCidr"])
	if err != nil {
		f.add("VpcCidr: %v", err)
		return
	}
	f.equal("the resolver", f.values["Resolver"], vpc.Addr().Next().Next())
	for _, x := range []string{"A", "B"} {
		address, err := netip.ParseAddr(f.values["Address"+x])
		if err != nil || !vpc.Contains(address) {
			f.add("%s is not in %v", f.values["Address"+x], vpc)
			continue
		}
		if subnet, _ := address.Prefix(24); reserved(subnet, address) {
			f.add("%v is one that AWS keeps of %v", address, subnet)
		}
	}
}

// checkMemberGroups: two members a zone at least, replaced by launching first, when the
// balancer says so.
func checkMemberGroups(f *findings) {
	f.equal("groups", f.of("AWS::AutoScaling::AutoScalingGroup"), "[GroupA GroupB]")
	for _, x := range []string{"A", "B"} {
		for key, want := range map[string]any{
			"AutoScalingGroupName": "pair-" + strings.ToLower(x), "VPCZoneIdentifier": []any{f.values["Subnet"+x]},
			"LaunchTemplate":  map[string]any{"LaunchTemplateId": "${LaunchTemplate}", "Version": "${LaunchTemplate.LatestVersionNumber}"},
			"MinSize":         f.values["MembersPerZone"],
			"TargetGroupARNs": []any{"${Targets}"}, "HealthCheckType": "ELB", "HealthCheckGracePeriod": 300, "DefaultInstanceWarmup": 60,
			"Tags":                      []any{map[string]any{"Key": "Name", "Value": "pair-" + strings.ToLower(x), "PropagateAtLaunch": true}},
			"InstanceMaintenancePolicy": map[string]any{"MinHealthyPercentage": 100, "MaxHealthyPercentage": 150},
		} {
			f.equal("Group"+x+"'s "+key, f.property("Group"+x, key), want)
		}
		f.equal("Group"+x+"'s most", f.property("Group"+x, "MaxSize"), "16") // whatever MembersPerZone is: a fall ends none
		f.equal("Refresh"+x, f.outputs["Refresh"+x], "aws autoscaling start-instance-refresh --auto-scaling-group-name ${Group"+x+
			"} --preferences MinHealthyPercentage=100,MaxHealthyPercentage=150,SkipMatching=true")
		needs := f.needs("Group" + x)
		for _, name := range []string{"Listener", "MembersOfMembers", "Changes", "Clock"} {
			if !needs[name] {
				f.add("Group%s may start before %s is there", x, name)
			}
		}
	}
}

// checkRoom: there is room to launch first, for each number that may be given.
func checkRoom(f *findings) {
	most, _ := strconv.Atoi(text(f.property("GroupA", "MaxSize")))
	for _, n := range list(dig(f.template.parameters, "MembersPerZone", "AllowedValues")) {
		if members, err := strconv.Atoi(n); err != nil || most < 2*members {
			f.add("the most are %d, want twice %s", most, n)
		}
		if n == "1" {
			f.add("the only member of a zone is its last one while it is replaced")
		}
	}
}

// checkMemberMachine: the same as one of the pair.
func checkMemberMachine(f *findings) {
	data := f.launched("LaunchTemplate")
	for _, want := range []property{
		{"${MemberProfile.Arn}", []any{"IamInstanceProfile", "Arn"}},
		{"[${MembersSecurityGroup}]", []any{"NetworkInterfaces", 0, "Groups"}},
		{false, []any{"NetworkInterfaces", 0, "AssociatePublicIpAddress"}},
		{true, []any{"NetworkInterfaces", 0, "DeleteOnTermination"}},
		{nil, []any{"NetworkInterfaces", 1}},
	} {
		f.equal(fmt.Sprint(want.path), dig(data, want.path...), want.value)
	}
	f.equal("VersionDescription", f.property("LaunchTemplate", "VersionDescription"), f.values["Revision"])
}

// checkMemberUserData: its head is of this fleet, and asks the other members.
func checkMemberUserData(f *findings) {
	data := text(f.property("LaunchTemplate", "LaunchTemplateData", "UserData"))
	if !strings.HasPrefix(data, "#!/bin/bash\n") || len(data) > 16384 {
		f.add("it has %d octets and begins with %.12q", len(data), data)
	}
	for _, want := range []string{
		"address=$(hostname -I | cut -d ' ' -f 1)", "region=us-east-1", "package=" + f.values["PackageUrl"], "sum=" + f.values["PackageSha256"], "secret=" + f.key(),
		"clients=" + f.values["Clients"], "resolver=" + f.values["Resolver"], "vpc=" + f.values["VpcCidr"],
		"zone=" + f.values["ZoneName"], "name=" + f.values["FailoverName"], "monitoring=" + f.values["Monitoring"],
		`more="--member=` + f.values["MembersName"] + ` --health-address=$address#8053"`, "ready='${Ready}'",
	} {
		if strings.Count(data, "\n"+want+"\n") != 1 {
			f.add("it has no line %q, or more than one", want)
		}
	}
	if !strings.Contains(data, "$more") && !strings.Contains(data, "${more") {
		f.add("the script makes nothing of more=")
	}
	f.wholeScript("a member", data, "LaunchTemplate")
}

// key is the secret of the fleet.
func (f *findings) key() string {
	if f.values["KeyArn"] != "" {
		return f.values["KeyArn"]
	}
	return "${Key}"
}

// checkFleetWait: the stack waits for members of both zones.
func checkFleetWait(f *findings) {
	f.equal("Serves", f.resources["Serves"].properties, map[string]any{
		"Handle": "${Ready}", "Timeout": "900", "Count": 4}) // which no update may change
	f.equal("DependsOn", f.resources["Serves"].dependsOn, "[GroupA GroupB]")
}

// checkFleetKey: it is the pair's, or one like that.
func checkFleetKey(f *findings) {
	for name, want := range map[string]string{"KeyArn": f.key(), "KeyPolicyArn": "${KeyPolicy}", "OperatorsSecurityGroup": "${OperatorsSecurityGroup}"} {
		f.equal("output "+name, f.outputs[name], want)
	}
	if f.values["KeyArn"] != "" {
		f.equal("Key", f.resources["Key"].kind, "")
		return
	}
	f.equal("Key's end", f.resources["Key"].deletionPolicy+" "+f.resources["Key"].updateReplacePolicy, "Delete Delete")
	f.equal("Key", f.property("Key", "GenerateSecretString"), map[string]any{"PasswordLength": 44, "ExcludePunctuation": true, "IncludeSpace": false})
}

// checkMemberRights: their package and the key, nothing else; no Route 53.
func checkMemberRights(f *findings) {
	object := "arn:aws:s3:::" + strings.TrimPrefix(f.values["PackageUrl"], "s3://")
	f.equal("MemberRole", statements(f.property("MemberRole", "Policies")), "[s3:GetObject "+object+"]")
	f.equal("MemberRole's others", f.property("MemberRole", "ManagedPolicyArns"), "[${KeyPolicy}]")
	f.equal("KeyPolicy", allowed(f.property("KeyPolicy", "PolicyDocument")), "[secretsmanager:GetSecretValue "+f.key()+"]")
	f.equal("MemberProfile", f.property("MemberProfile", "Roles"), "[${MemberRole}]")
	f.equal("MemberRole", principal(f, "MemberRole"), "ec2.amazonaws.com")
	f.equal("roles", f.of("AWS::IAM::Role"), "[MemberRole NamesRole]")
}

// principal is the only one that may take a role.
func principal(f *findings, role string) string {
	statements, _ := f.property(role, "AssumeRolePolicyDocument", "Statement").([]any)
	if len(statements) != 1 || dig(statements[0], "Action") != "sts:AssumeRole" {
		return fmt.Sprint(statements)
	}
	return text(dig(statements[0], "Principal", "Service"))
}

// checkFleetAlarms: each says what its words do, to who wants to hear it.
func checkFleetAlarms(f *findings) {
	targets := []any{map[string]any{"Name": "LoadBalancer", "Value": "${Balancer.LoadBalancerFullName}"},
		map[string]any{"Name": "TargetGroup", "Value": "${Targets.TargetGroupFullName}"}}
	dimension := func(name, value string) []any { return []any{map[string]any{"Name": name, "Value": value}} }
	for _, want := range []struct {
		name, alarm string
		dimensions  []any
	}{
		{"ZoneSilent", "AWS/NetworkELB HealthyHostCount Minimum 60 2 LessThanThreshold 1 breaching", targets},
		{"MemberSilent", "AWS/NetworkELB UnHealthyHostCount Maximum 60 15 GreaterThanOrEqualToThreshold 1 notBreaching", targets},
		{"CpuA", "AWS/EC2 CPUUtilization Average 300 3 GreaterThanOrEqualToThreshold 70 notBreaching", dimension("AutoScalingGroupName", "${GroupA}")},
		{"CpuB", "AWS/EC2 CPUUtilization Average 300 3 GreaterThanOrEqualToThreshold 70 notBreaching", dimension("AutoScalingGroupName", "${GroupB}")},
		{"NamesFail", "AWS/Lambda Errors Sum 60 5 GreaterThanOrEqualToThreshold 1 notBreaching", dimension("FunctionName", "${Names}")},
	} {
		p := f.resources[want.name].properties
		f.equal(want.name, fmt.Sprint(p["Namespace"], " ", p["MetricName"], " ", p["Statistic"], " ", p["Period"], " ", p["EvaluationPeriods"],
			" ", p["ComparisonOperator"], " ", p["Threshold"], " ", p["TreatMissingData"]), want.alarm)
		f.equal(want.name+"'s dimensions", p["Dimensions"], want.dimensions)
		var topic any
		if f.values["AlarmTopic"] != "" {
			topic = []any{f.values["AlarmTopic"]}
		}
		f.equal(want.name+"'s actions", p["AlarmActions"], topic)
		f.equal(want.name+"'s end", p["OKActions"], topic)
	}
	f.equal("alarms", len(f.of("AWS::CloudWatch::Alarm")), 5)
}
