package deploy

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// fleetGiven are parameters of which fleet.yaml has no default, and more.
func fleetGiven(more ...string) map[string]string {
	all := given("VpcId", "vpc-0123456789abcdef0", "SubnetA", "subnet-0123456789abcdef0", "SubnetB", "subnet-0123456789abcdef1",
		"HostedZoneId", "Z0123456789ABCDEFGHIJ")
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

const pairKey = "arn:aws:secretsmanager:us-east-1:123456789012:secret:Key-AbCdEf"

// fleetSets are sets of parameters that between them take both sides of each condition.
var fleetSets = map[string]map[string]string{
	"the defaults":        fleetGiven(),
	"the pair's key":      fleetGiven("KeyArn", pairKey, "KeyPair", "ops"),
	"monitored":           fleetGiven("Monitoring", "10.9.8.0/24", "Administrators", "10.1.2.0/24", "Clients", "10.128.0.0/9"),
	"x86, a topic, three": fleetGiven("Architecture", "x86_64", "Size", "small", "MembersPerZone", "3", "AlarmTopic", "arn:aws:sns:us-east-1:123456789012:ops", "Revision", "2026-11-29"),
	"another VPC": fleetGiven("VpcCidr", "10.20.0.0/16", "Resolver", "10.20.0.2", "AddressA", "10.20.30.4", "AddressB", "10.20.31.126",
		"ZoneName", "lab.corp", "FailoverName", "db.lab.corp", "MembersName", "dns.lab.corp", "MembersPerZone", "8", "TerminationProtection", "true"),
}

var fleetChecks = slices.Concat(balancerChecks, memberChecks, nameChecks, strictChecks, []check{{"kinds", checkFleetKinds}, {"circles", checkCircles}, {"public", checkPublic}, {"ports", checkPorts}})

func TestFleet(t *testing.T) {
	tm := load(t, "fleet.yaml")
	for name, set := range fleetSets {
		for _, line := range find(tm, fleetChecks, set) {
			t.Errorf("%s: %s", name, line)
		}
	}
}

// What the patterns of the parameters have to refuse, and what they say.
func TestFleetRefuses(t *testing.T) {
	tm := load(t, "fleet.yaml")
	for _, test := range []struct {
		set  map[string]string
		want string
	}{
		{given(), "VpcId has to be given"},
		{fleetGiven("MembersPerZone", "1"), "not one of 2"},
		{fleetGiven("MembersName", "Members.awslab.mycompany.corp"), "small letters"},
		{fleetGiven("MembersName", "members.awslab.mycompany.corp;reboot"), "domain name"},
		{fleetGiven("MembersName", "myservice.awslab.mycompany.corp"), "a name of its own"},
		{fleetGiven("SubnetB", "subnet-0123456789abcdef0"), "needs two"},
		{fleetGiven("KeyArn", "rndc-key"), "ARN of a secret"},
		{fleetGiven("Revision", "$(reboot)"), "letters, digits"},
		{fleetGiven("PackageUrl", "https://packages/forwarder.rpm"), "s3://BUCKET/KEY.rpm"},
		{fleetGiven("Clients", "0.0.0.0/0"), "not wider than /8"},
		{fleetGiven("AddressA", "10.79.1"), "IPv4 address"},
	} {
		_, err := tm.resolve(test.set)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: error %v, want %q", test.set, err, test.want)
		}
	}
}

// A member is made as a forwarder of the pair is: what differs are the lines above.
func TestFleetHasThePairsUserData(t *testing.T) {
	script := func(path string) string {
		return text(dig(load(t, path).mappings, "UserData", "Script", "Text"))
	}
	if pair, fleet := script("pair.yaml"), script("fleet.yaml"); fleet != pair || pair == "" {
		t.Errorf("the script of fleet.yaml differs from that of pair.yaml:\n%s", firstDifference(pair, fleet))
	}
}

// firstDifference is the first line that differs.
func firstDifference(a, b string) string {
	lines := strings.Split(b, "\n")
	for i, line := range strings.Split(a, "\n") {
		if i >= len(lines) || line != lines[i] {
			return fmt.Sprintf("line %d: %q", i+1, line)
		}
	}
	return "the end"
}

var balancerChecks = []check{
	{"balancer", checkBalancer},
	{"targets", checkTargets},
	{"drain", checkDrain},
	{"who may come", checkFleetGroups},
}

// checkBalancer: it is inside, at addresses that stay, and takes both protocols.
func checkBalancer(f *findings) {
	f.equal("Type", f.property("Balancer", "Type"), "network")
	f.equal("Scheme", f.property("Balancer", "Scheme"), "internal")
	f.equal("IpAddressType", f.property("Balancer", "IpAddressType"), "ipv4")
	f.equal("Subnets", f.property("Balancer", "Subnets"), nil)
	for i, x := range []string{"A", "B"} {
		f.equal("subnet "+x, f.property("Balancer", "SubnetMappings", i, "SubnetId"), f.values["Subnet"+x])
		f.equal("address "+x, f.property("Balancer", "SubnetMappings", i, "PrivateIPv4Address"), f.values["Address"+x])
		f.equal("output Address"+x, f.outputs["Address"+x], f.values["Address"+x])
	}
	attributes := attributesOf(f.property("Balancer", "LoadBalancerAttributes"))
	f.equal("cross-zone", attributes["load_balancing.cross_zone.enabled"], "false")
	f.equal("protection", attributes["deletion_protection.enabled"], f.values["TerminationProtection"])
	f.equal("listener", f.resources["Listener"].properties, map[string]any{
		"LoadBalancerArn": "${Balancer}", "Protocol": "TCP_UDP", "Port": 53,
		"DefaultActions": []any{map[string]any{"Type": "forward", "TargetGroupArn": "${Targets}"}},
	})
	f.equal("listeners", len(f.of("AWS::ElasticLoadBalancingV2::Listener")), 1)
}

// attributesOf makes a map of a list of keys and values, which are texts.
func attributesOf(v any) map[string]string {
	all := make(map[string]string)
	pairs, _ := v.([]any)
	for _, each := range pairs {
		value, _ := dig(each, "Value").(string)
		all[text(dig(each, "Key"))] = value
	}
	return all
}

// checkTargets: members keep their clients' addresses, and are asked whether they are ready.
func checkTargets(f *findings) {
	for key, want := range map[string]any{
		"VpcId": f.values["VpcId"], "TargetType": "instance", "Protocol": "TCP_UDP", "Port": 53,
		"HealthCheckProtocol": "HTTP", "HealthCheckPort": "8053", "HealthCheckPath": "/readyz",
		"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 3, "HealthyThresholdCount": 2, "UnhealthyThresholdCount": 2,
		"Matcher": map[string]any{"HttpCode": "200"},
	} {
		f.equal(key, f.property("Targets", key), want)
	}
	attributes := attributesOf(f.property("Targets", "TargetGroupAttributes"))
	f.equal("client addresses", attributes["preserve_client_ip.enabled"], "true")
	f.equal("flows of the dead", attributes["target_health_state.unhealthy.connection_termination.enabled"], "") // TCP_UDP may not have it
	f.equal("attributes", len(attributes), 3)                                                                    // none of stickiness or of cross-zone: see checkDrain for the others
}

// checkDrain: an old member answers until its flows are gone: those that are idle by
// themselves, those that are not because the balancer ends them.
func checkDrain(f *findings) {
	const udpIdle = 120 // seconds; TCP_UDP knows no other
	attributes := attributesOf(f.property("Targets", "TargetGroupAttributes"))
	f.equal("flows at the end", attributes["deregistration_delay.connection_termination.enabled"], "true")
	delay, err := strconv.Atoi(attributes["deregistration_delay.timeout_seconds"])
	if err != nil || delay <= udpIdle {
		f.add("deregistration takes %d s, want more than %d", delay, udpIdle)
	}
	for _, group := range []string{"GroupA", "GroupB"} {
		f.equal(group+"'s hooks", len(list(f.property(group, "LifecycleHookSpecificationList"))), 1)
		hook := f.property(group, "LifecycleHookSpecificationList", 0)
		f.equal(group+"'s hook", dig(hook, "LifecycleTransition"), "autoscaling:EC2_INSTANCE_TERMINATING")
		f.equal(group+"'s hook", dig(hook, "DefaultResult"), "CONTINUE")
		if seconds, _ := dig(hook, "HeartbeatTimeout").(int); seconds <= delay {
			f.add("%s holds an old member for %d s, want more than the %d of deregistration", group, seconds, delay)
		}
	}
}

// checkFleetGroups: the security groups admit what they are meant to, and nothing else.
func checkFleetGroups(f *findings) {
	clients, vpc, resolver := f.values["Clients"], f.values["VpcCidr"], f.values["Resolver"]+"/32"
	dns := []string{"tcp 53-53 " + clients, "udp 53-53 " + clients}
	f.equal("into the balancer", f.rules("BalancerSecurityGroup", "SecurityGroupIngress"), dns)
	f.equal("out of the balancer", f.rules("BalancerSecurityGroup", "SecurityGroupEgress"),
		[]string{"tcp 53-53 " + vpc, "tcp 8053-8053 " + vpc, "udp 53-53 " + vpc})
	f.equal("the balancer's group", f.property("Balancer", "SecurityGroups"), "[${BalancerSecurityGroup}]")
	in := slices.Concat(dns, []string{"tcp 22-22 " + f.values["Administrators"], "tcp 953-953 ${OperatorsSecurityGroup}",
		"tcp 953-953 ${MembersSecurityGroup}", "tcp 8053-8053 ${BalancerSecurityGroup}"})
	if f.values["Monitoring"] != "" {
		in = append(in, "tcp 9153-9153 "+f.values["Monitoring"])
	}
	slices.Sort(in)
	f.equal("into members", f.rules("MembersSecurityGroup", "SecurityGroupIngress"), in)
	f.equal("out of members", f.rules("MembersSecurityGroup", "SecurityGroupEgress"),
		[]string{"tcp 443-443 0.0.0.0/0", "tcp 53-53 " + resolver, "tcp 953-953 " + vpc, "udp 53-53 " + resolver})
	f.equal("into operators' hosts", f.rules("OperatorsSecurityGroup", "SecurityGroupIngress"), "[]")
	f.equal("out of operators' hosts", f.rules("OperatorsSecurityGroup", "SecurityGroupEgress"), "[tcp 953-953 "+vpc+"]")
}

// fleetKinds are all kinds of resources that the fleet is made of, with how many there are.
var fleetKinds = map[string]int{
	"AWS::AutoScaling::AutoScalingGroup": 2, "AWS::CloudFormation::WaitCondition": 1, "AWS::CloudFormation::WaitConditionHandle": 1,
	"AWS::CloudWatch::Alarm": 5, "AWS::EC2::LaunchTemplate": 1, "AWS::EC2::SecurityGroup": 3,
	"AWS::ElasticLoadBalancingV2::Listener": 1, "AWS::ElasticLoadBalancingV2::LoadBalancer": 1, "AWS::ElasticLoadBalancingV2::TargetGroup": 1,
	"AWS::Events::Rule": 2, "AWS::IAM::InstanceProfile": 1, "AWS::IAM::ManagedPolicy": 1, "AWS::IAM::Role": 2,
	"AWS::Lambda::Function": 1, "AWS::Lambda::Permission": 2, "AWS::Logs::LogGroup": 1,
}

// checkFleetKinds: nothing is made that costs or opens what nobody thought of.
func checkFleetKinds(f *findings) {
	want := maps.Clone(fleetKinds)
	if want["AWS::EC2::SecurityGroupIngress"] = 1; f.values["Monitoring"] != "" {
		want["AWS::EC2::SecurityGroupIngress"]++
	}
	if f.values["KeyArn"] == "" {
		want["AWS::SecretsManager::Secret"] = 1
	}
	got := make(map[string]int)
	for _, r := range f.resources {
		got[r.kind]++
	}
	f.equal("kinds", got, want)
}
