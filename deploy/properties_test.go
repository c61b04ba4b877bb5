package deploy

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// strictChecks hold for both templates.
var strictChecks = []check{
	{"properties", checkProperties},
	{"attributes", checkAttributes},
	{"unused", checkUnused},
	{"descriptions", checkDescriptions},
	{"patterns", checkPatterns},
}

// properties are all that resources have, by their kind: another one may cost, open or
// change what nobody thought of, so it is looked at and written here.
var properties = map[string]string{
	"AWS::AutoScaling::AutoScalingGroup": `AutoScalingGroupName DefaultInstanceWarmup HealthCheckGracePeriod HealthCheckType
		InstanceMaintenancePolicy.MaxHealthyPercentage InstanceMaintenancePolicy.MinHealthyPercentage
		LaunchTemplate.LaunchTemplateId LaunchTemplate.Version LifecycleHookSpecificationList.DefaultResult
		LifecycleHookSpecificationList.HeartbeatTimeout LifecycleHookSpecificationList.LifecycleHookName
		LifecycleHookSpecificationList.LifecycleTransition MaxSize MinSize Tags.Key Tags.PropagateAtLaunch Tags.Value
		TargetGroupARNs VPCZoneIdentifier`,
	"AWS::CloudFormation::WaitCondition":       `Count Handle Timeout`,
	"AWS::CloudFormation::WaitConditionHandle": ``,
	"AWS::CloudWatch::Alarm": `AlarmActions AlarmDescription ComparisonOperator Dimensions.Name Dimensions.Value
		EvaluationPeriods MetricName Namespace OKActions Period Statistic Threshold TreatMissingData`,
	"AWS::EC2::Instance": `DisableApiTermination LaunchTemplate.LaunchTemplateId LaunchTemplate.Version Tags.Key Tags.Value`,
	"AWS::EC2::LaunchTemplate": `LaunchTemplateData.BlockDeviceMappings.DeviceName
		LaunchTemplateData.BlockDeviceMappings.Ebs.DeleteOnTermination LaunchTemplateData.BlockDeviceMappings.Ebs.Encrypted
		LaunchTemplateData.BlockDeviceMappings.Ebs.VolumeSize LaunchTemplateData.BlockDeviceMappings.Ebs.VolumeType
		LaunchTemplateData.CreditSpecification.CpuCredits LaunchTemplateData.IamInstanceProfile.Arn LaunchTemplateData.ImageId
		LaunchTemplateData.InstanceType LaunchTemplateData.KeyName LaunchTemplateData.MetadataOptions.HttpEndpoint
		LaunchTemplateData.MetadataOptions.HttpPutResponseHopLimit LaunchTemplateData.MetadataOptions.HttpTokens
		LaunchTemplateData.NetworkInterfaces.AssociatePublicIpAddress LaunchTemplateData.NetworkInterfaces.DeleteOnTermination
		LaunchTemplateData.NetworkInterfaces.DeviceIndex LaunchTemplateData.NetworkInterfaces.Groups
		LaunchTemplateData.NetworkInterfaces.NetworkInterfaceId LaunchTemplateData.TagSpecifications.ResourceType
		LaunchTemplateData.TagSpecifications.Tags.Key LaunchTemplateData.TagSpecifications.Tags.Value
		LaunchTemplateData.UserData VersionDescription`,
	"AWS::EC2::NetworkAcl": `Tags.Key Tags.Value VpcId`,
	"AWS::EC2::NetworkAclEntry": `CidrBlock Egress Icmp.Code Icmp.Type NetworkAclId PortRange.From PortRange.To Protocol
		RuleAction RuleNumber`,
	"AWS::EC2::NetworkInterface": `Description GroupSet PrivateIpAddress SubnetId`,
	"AWS::EC2::RouteTable":       `Tags.Key Tags.Value VpcId`,
	"AWS::EC2::SecurityGroup": `GroupDescription SecurityGroupEgress.CidrIp SecurityGroupEgress.Description
		SecurityGroupEgress.FromPort SecurityGroupEgress.IpProtocol SecurityGroupEgress.ToPort SecurityGroupIngress.CidrIp
		SecurityGroupIngress.Description SecurityGroupIngress.FromPort SecurityGroupIngress.IpProtocol
		SecurityGroupIngress.SourceSecurityGroupId SecurityGroupIngress.ToPort VpcId`,
	"AWS::EC2::SecurityGroupIngress":        `CidrIp Description FromPort GroupId IpProtocol SourceSecurityGroupId ToPort`,
	"AWS::EC2::Subnet":                      `AvailabilityZone CidrBlock MapPublicIpOnLaunch Tags.Key Tags.Value VpcId`,
	"AWS::EC2::SubnetNetworkAclAssociation": `NetworkAclId SubnetId`,
	"AWS::EC2::SubnetRouteTableAssociation": `RouteTableId SubnetId`,
	"AWS::EC2::VPC":                         `CidrBlock EnableDnsHostnames EnableDnsSupport Tags.Key Tags.Value`,
	"AWS::EC2::VPCEndpoint": `PolicyDocument PrivateDnsEnabled RouteTableIds SecurityGroupIds ServiceName SubnetIds
		VpcEndpointType VpcId`,
	"AWS::ElasticLoadBalancingV2::Listener": `DefaultActions.TargetGroupArn DefaultActions.Type LoadBalancerArn Port Protocol`,
	"AWS::ElasticLoadBalancingV2::LoadBalancer": `IpAddressType LoadBalancerAttributes.Key LoadBalancerAttributes.Value Scheme
		SecurityGroups SubnetMappings.PrivateIPv4Address SubnetMappings.SubnetId Tags.Key Tags.Value Type`,
	"AWS::ElasticLoadBalancingV2::TargetGroup": `HealthCheckIntervalSeconds HealthCheckPath HealthCheckPort HealthCheckProtocol
		HealthCheckTimeoutSeconds HealthyThresholdCount Matcher.HttpCode Port Protocol TargetGroupAttributes.Key
		TargetGroupAttributes.Value TargetType UnhealthyThresholdCount VpcId`,
	"AWS::Events::Rule":         `Description EventPattern ScheduleExpression Targets.Arn Targets.Id`,
	"AWS::IAM::Group":           `ManagedPolicyArns`,
	"AWS::IAM::InstanceProfile": `Roles`,
	"AWS::IAM::ManagedPolicy":   `Description PolicyDocument`,
	"AWS::IAM::Role":            `AssumeRolePolicyDocument ManagedPolicyArns Policies.PolicyDocument Policies.PolicyName`,
	"AWS::Lambda::Function": `Architectures Code.ZipFile Description Environment.Variables FunctionName Handler MemorySize Role
		Runtime Timeout`,
	"AWS::Lambda::Permission":  `Action FunctionName Principal SourceArn`,
	"AWS::Logs::LogGroup":      `LogGroupName RetentionInDays`,
	"AWS::Route53::HostedZone": `Name VPCs.VPCId VPCs.VPCRegion`,
	"AWS::Route53::RecordSet": `AliasTarget.DNSName AliasTarget.EvaluateTargetHealth AliasTarget.HostedZoneId HostedZoneId Name
		ResourceRecords TTL Type`,
	"AWS::SecretsManager::Secret": `Description GenerateSecretString.ExcludePunctuation GenerateSecretString.IncludeSpace
		GenerateSecretString.PasswordLength`,
}

// checkProperties: nothing has a property that is not written above.
func checkProperties(f *findings) {
	for name, r := range f.resources {
		known := strings.Fields(properties[r.kind])
		for _, path := range paths("", r.properties) {
			if !slices.Contains(known, path) {
				f.add("%s has %s", name, path)
			}
		}
	}
}

// paths are the places of values, without the numbers of lists. Documents that have
// checks of their own are one.
func paths(at string, v any) (all []string) {
	for _, document := range []string{"Document", "Variables", "EventPattern"} {
		if strings.HasSuffix(at, document) {
			return []string{at}
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for key, each := range v {
			all = append(all, paths(strings.TrimPrefix(at+"."+key, "."), each)...)
		}
	case []any:
		for _, each := range v {
			all = append(all, paths(at, each)...)
		}
	default:
		all = []string{at}
	}
	return all
}

// checkAttributes: no policy of updates or creation makes CloudFormation touch what runs.
func checkAttributes(f *findings) {
	known := []string{"Condition", "DeletionPolicy", "DependsOn", "Metadata", "Properties", "Type", "UpdateReplacePolicy"}
	for name := range f.template.resources {
		for key := range section(f.template.resources, name) {
			if !slices.Contains(known, key) {
				f.add("%s has %s", name, key)
			}
		}
	}
}

// checkUnused: what is declared is used, so that no parameter promises what it does not do.
func checkUnused(f *findings) {
	used := make(map[string]bool)
	for _, part := range []map[string]any{f.template.resources, f.template.outputs, f.template.conditions, f.template.rules} {
		uses(part, used)
	}
	for _, declared := range []map[string]any{f.template.parameters, f.template.conditions, f.template.mappings} {
		for _, name := range slices.Sorted(maps.Keys(declared)) {
			if !used[name] {
				f.add("nothing uses %s", name)
			}
		}
	}
}

// uses gathers the names that functions and resources' conditions name.
func uses(v any, used map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for key, each := range v {
			switch all, _ := each.([]any); {
			case key == "Ref", key == "Condition":
				used[fmt.Sprint(each)] = true
			case (key == "Fn::If" || key == "Fn::FindInMap") && len(all) > 0:
				used[text(all[0])] = true
			}
			uses(each, used)
		}
	case []any:
		for _, each := range v {
			uses(each, used)
		}
	case string:
		for _, match := range variable.FindAllStringSubmatch(v, -1) {
			used[match[2]] = true
		}
	}
}

// told is what EC2 takes as the description of a group or of a rule.
var told = regexp.MustCompile(`^[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}$`)

// checkDescriptions: EC2 refuses a group with other letters.
func checkDescriptions(f *findings) {
	for name, r := range f.resources {
		if !strings.HasPrefix(r.kind, "AWS::EC2::SecurityGroup") {
			continue
		}
		all := []any{r.properties["GroupDescription"], r.properties["Description"]}
		for _, side := range []string{"SecurityGroupIngress", "SecurityGroupEgress"} {
			rules, _ := r.properties[side].([]any)
			for _, rule := range rules {
				all = append(all, dig(rule, "Description"))
			}
		}
		for _, each := range all {
			if each != nil && !told.MatchString(text(each)) {
				f.add("%s: %q is no description", name, each)
			}
		}
	}
}

// unwritten are parameters that EC2 is given as they are, and nobody else.
var unwritten = []string{"KeyPair"}

// checkPatterns: a pattern refuses all of it, alone and around a value that is good.
func checkPatterns(f *findings) {
	for _, name := range slices.Sorted(maps.Keys(f.template.parameters)) {
		p := section(f.template.parameters, name)
		if p["Type"] != "String" || p["AllowedValues"] != nil || slices.Contains(unwritten, name) {
			continue
		}
		pattern, err := regexp.Compile("(?s)^(?:" + cmp.Or(text(p["AllowedPattern"]), ".*") + ")$")
		if err != nil {
			f.add("%s: %v", name, err)
			continue
		}
		good := f.values[name]
		for _, bad := range hostile {
			for _, v := range []string{bad, good + bad, bad + good} {
				if pattern.MatchString(v) {
					f.add("%s may be %q", name, v)
				}
			}
		}
	}
}

// checkPublic: nothing has a public address, and no route leads out.
func checkPublic(f *findings) {
	for name, r := range f.resources {
		for _, kind := range []string{"InternetGateway", "NatGateway", "EIP", "Route", "EgressOnlyInternetGateway"} {
			if strings.HasPrefix(r.kind, "AWS::EC2::"+kind) && r.kind != "AWS::EC2::RouteTable" {
				f.add("%s is a way out: %s", name, r.kind)
			}
		}
		for _, key := range []string{"MapPublicIpOnLaunch", "AssociatePublicIpAddress"} {
			if v := anywhere(r.properties, key); v != nil {
				f.equal(name+"'s "+key, v, false)
			}
		}
	}
}

// anywhere is the value of a key at any depth.
func anywhere(v any, key string) any {
	switch v := v.(type) {
	case map[string]any:
		if found, ok := v[key]; ok {
			return found
		}
		for _, each := range v {
			if found := anywhere(each, key); found != nil {
				return found
			}
		}
	case []any:
		for _, each := range v {
			if found := anywhere(each, key); found != nil {
				return found
			}
		}
	}
	return nil
}

// checkPorts: ports are numbers of 0 to 65535, in order.
func checkPorts(f *findings) {
	for name, r := range f.resources {
		for _, side := range []string{"SecurityGroupIngress", "SecurityGroupEgress"} {
			rules, _ := r.properties[side].([]any)
			for _, rule := range rules {
				if dig(rule, "IpProtocol") != "-1" {
					f.ports(name, dig(rule, "FromPort"), dig(rule, "ToPort"))
				}
			}
		}
		if r.properties["PortRange"] != nil {
			f.ports(name, f.property(name, "PortRange", "From"), f.property(name, "PortRange", "To"))
		}
	}
}

func (f *findings) ports(name string, from, to any) {
	a, ok := from.(int)
	b, ok2 := to.(int)
	if !ok || !ok2 || a < 0 || b < a || b > 65535 {
		f.add("%s has ports %v to %v", name, from, to)
	}
}
