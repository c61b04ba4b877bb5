package deploy

import (
	"maps"
	"slices"
)

var shapeChecks = []check{
	{"kinds", checkKinds},
	{"circles", checkCircles},
}

// pairKinds are all kinds of resources that the pair is made of.
var pairKinds = []string{
	"AWS::CloudFormation::WaitCondition", "AWS::CloudFormation::WaitConditionHandle", "AWS::CloudWatch::Alarm",
	"AWS::EC2::Instance", "AWS::EC2::LaunchTemplate", "AWS::EC2::NetworkAcl", "AWS::EC2::NetworkAclEntry",
	"AWS::EC2::NetworkInterface", "AWS::EC2::RouteTable", "AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress",
	"AWS::EC2::Subnet", "AWS::EC2::SubnetNetworkAclAssociation", "AWS::EC2::SubnetRouteTableAssociation", "AWS::EC2::VPC",
	"AWS::EC2::VPCEndpoint", "AWS::IAM::Group", "AWS::IAM::InstanceProfile", "AWS::IAM::ManagedPolicy", "AWS::IAM::Role",
	"AWS::Route53::HostedZone", "AWS::Route53::RecordSet", "AWS::SecretsManager::Secret",
}

// checkKinds: nothing is made that costs or opens what nobody thought of.
func checkKinds(f *findings) {
	for name, r := range f.resources {
		if !slices.Contains(pairKinds, r.kind) {
			f.add("%s is a %s", name, r.kind)
		}
	}
}

// fleetKinds are those of the fleet, with how many there are.
var fleetKinds = map[string]int{
	"AWS::AutoScaling::AutoScalingGroup": 2, "AWS::CloudFormation::WaitCondition": 1, "AWS::CloudFormation::WaitConditionHandle": 1,
	"AWS::CloudWatch::Alarm": 5, "AWS::EC2::LaunchTemplate": 1, "AWS::EC2::SecurityGroup": 3,
	"AWS::ElasticLoadBalancingV2::Listener": 1, "AWS::ElasticLoadBalancingV2::LoadBalancer": 1, "AWS::ElasticLoadBalancingV2::TargetGroup": 1,
	"AWS::Events::Rule": 2, "AWS::IAM::InstanceProfile": 1, "AWS::IAM::ManagedPolicy": 1, "AWS::IAM::Role": 2,
	"AWS::Lambda::Function": 1, "AWS::Lambda::Permission": 2, "AWS::Logs::LogGroup": 1,
}

// checkFleetKinds: the same of the fleet.
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

// checkCircles: nothing waits for itself.
func checkCircles(f *findings) {
	for name := range f.resources {
		if f.needs(name)[name] {
			f.add("%s needs itself", name)
		}
	}
}
