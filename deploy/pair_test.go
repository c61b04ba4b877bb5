package deploy

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// given are parameters of which the template has no default, and more.
func given(more ...string) map[string]string {
	all := map[string]string{"PackageUrl": "s3://packages/forwarder-1.0.0-1.aarch64.rpm"}
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

// yours are the parameters of a VPC that is there.
func yours(more ...string) map[string]string {
	return given(append([]string{
		"VpcId", "vpc-0123456789abcdef0", "VpcCidr", "10.20.0.0/16", "Resolver", "10.20.0.2",
		"SubnetA", "subnet-0123456789abcdef0", "SubnetCidrA", "10.20.30.0/26", "AddressA", "10.20.30.4",
		"SubnetB", "subnet-0123456789abcdef1", "SubnetCidrB", "10.20.30.64/26", "AddressB", "10.20.30.126",
	}, more...)...)
}

// pairSets are sets of parameters that between them take both sides of each condition.
var pairSets = map[string]map[string]string{
	"the defaults": given(),
	"a VPC with endpoints and a zone with the name": yours("S3Endpoint", "existing", "SecretsEndpoint", "existing",
		"HostedZoneId", "Z0123456789ABCDEFGHIJ", "FailoverAddress", ""),
	"a VPC without endpoints": yours("RouteTables", "rtb-0123456789abcdef0,rtb-0123456789abcdef1"),
	"the endpoint is saved":   given("SecretsEndpoint", "existing"),
	"untracked":               given("DnsTracking", "untracked"),
	"untracked, monitored":    yours("RouteTables", "rtb-01234567", "DnsTracking", "untracked", "Monitoring", "10.9.0.0/16", "Clients", "10.128.0.0/9"),
	"monitored":               given("Monitoring", "10.9.8.0/24", "Administrators", "10.1.2.0/24", "KeyPair", "ops"),
	"x86, a topic, protected": given("Architecture", "x86_64", "Size", "small", "AlarmTopic", "arn:aws:sns:us-east-1:123456789012:ops", "TerminationProtection", "true"),
	"A is absent":             given("ForwarderA", "absent"),
	"B is absent":             given("ForwarderB", "absent", "QuietPackets", "5"),
}

var pairChecks = slices.Concat(shapeChecks, networkChecks, dnsChecks, roleChecks, hostChecks, strictChecks)

func TestPair(t *testing.T) {
	tm := load(t, "pair.yaml")
	for name, set := range pairSets {
		for _, line := range find(tm, pairChecks, set) {
			t.Errorf("%s: %s", name, line)
		}
	}
}

// What the rules and patterns of the parameters have to refuse, and what they say.
func TestPairRefuses(t *testing.T) {
	tm := load(t, "pair.yaml")
	for _, test := range []struct {
		set  map[string]string
		want string
	}{
		{map[string]string{}, "PackageUrl has to be given"},
		{given("ForwarderA", "absent", "ForwarderB", "absent"), "One forwarder has to serve"},
		{given("ForwarderA", "absent", "TerminationProtection", "true"), "CloudFormation cannot delete what is protected"},
		{given("VpcId", "vpc-01234567"), "SubnetA and SubnetB have to be given"},
		{yours("SubnetB", "subnet-0123456789abcdef0"), "One subnet is in one Availability Zone"},
		{given("SubnetA", "subnet-01234567"), "VpcId has to be given"},
		{given("S3Endpoint", "existing"), "no endpoint of S3 but its own"},
		{given("HostedZoneId", "Z0123456789ABCDEFGHIJ"), "knows no VPC that is made here"},
		{yours(), "RouteTables have to be given"},
		{given("PackageUrl", "https://packages/forwarder.rpm"), "s3://BUCKET/KEY.rpm"},
		{given("PackageUrl", "s3://packages/$(reboot).rpm"), "s3://BUCKET/KEY.rpm"},
		{given("FailoverName", "MyService.awslab.mycompany.corp"), "small letters"},
		{given("FailoverName", "myservice.awslab.mycompany.corp."), "without a dot"},
		{given("ZoneName", "awslab.mycompany.corp;reboot"), "domain name"},
		{given("Clients", "0.0.0.0/0"), "not wider than /8"},
		{given("AddressA", "10.79.1"), "IPv4 address"},
		{given("FailoverAddress", "myservice"), "IPv4 address"},
		{given("Size", "metal"), "not one of nano"},
		{given("AlarmTopic", "ops"), "ARN of a topic"},
		{given("QuietPackets", "-1"), "no number"},
		{given("VpcID", "vpc-01234567"), "no parameter VpcID"},
	} {
		_, err := tm.resolve(test.set)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: error %v, want %q", test.set, err, test.want)
		}
	}
}

// Each parameter stands in one group of the console's form, and says what it is.
func TestPairForm(t *testing.T) {
	tm := load(t, "pair.yaml")
	var shown []string
	groups, _ := dig(tm.metadata, "AWS::CloudFormation::Interface", "ParameterGroups").([]any)
	for _, group := range groups {
		shown = append(shown, list(dig(group, "Parameters"))...)
	}
	slices.Sort(shown)
	var there []string
	for name, p := range tm.parameters {
		there = append(there, name)
		if dig(p, "Description") == nil {
			t.Errorf("parameter %s has no description", name)
		}
		if (dig(p, "AllowedPattern") == nil) != (dig(p, "ConstraintDescription") == nil) {
			t.Errorf("parameter %s has a pattern without its description, or the other way round", name)
		}
	}
	slices.Sort(there)
	if !slices.Equal(shown, there) {
		t.Errorf("the form has %v, want %v", shown, there)
	}
}

// A template that is sent with the request, not by way of a bucket, has a limit.
func TestTemplateFitsARequest(t *testing.T) {
	info, err := os.Stat("pair.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 51200 {
		t.Errorf("pair.yaml has %d octets, want at most 51200", info.Size())
	}
}
