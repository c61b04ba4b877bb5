package deploy

import (
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

// checkCircles: nothing waits for itself.
func checkCircles(f *findings) {
	for name := range f.resources {
		if f.needs(name)[name] {
			f.add("%s needs itself", name)
		}
	}
}
