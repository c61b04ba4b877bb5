package deploy

import (
	"os"
	"strings"
	"testing"
)

// fleetErrors are kinds of errors in fleet.yaml, each a change of its text, and the check
// that finds it, beside cfn-lint and moto where they can.
var fleetErrors = []struct{ name, old, new, check string }{
	{"UDP only", "Protocol: TCP_UDP\n      Port: 53\n      DefaultActions", "Protocol: UDP\n      Port: 53\n      DefaultActions", "balancer"},
	{"another port", "Port: 53\n      DefaultActions", "Port: 5353\n      DefaultActions", "balancer"},
	{"open to the internet", "Scheme: internal", "Scheme: internet-facing", "balancer"},
	{"an address that may change", ", PrivateIPv4Address: !Ref AddressB}", "}", "balancer"},
	{"both addresses in one zone", "{SubnetId: !Ref SubnetB,", "{SubnetId: !Ref SubnetA,", "balancer"},
	{"one zone's trouble in both", "cross_zone.enabled, Value: 'false'", "cross_zone.enabled, Value: 'true'", "balancer"},
	{"a flag that is no text", "preserve_client_ip.enabled, Value: 'true'", "preserve_client_ip.enabled, Value: true", "targets"},
	{"clients without addresses", "preserve_client_ip.enabled, Value: 'true'", "preserve_client_ip.enabled, Value: 'false'", "targets"},
	{"health without readiness", "HealthCheckPath: /readyz", "HealthCheckPath: /healthz", "targets"},
	{"health of the wrong port", "HealthCheckPort: '8053'", "HealthCheckPort: traffic-port", "targets"},
	{"targets by address", "TargetType: instance", "TargetType: ip", "targets"},
	{"flows that never end", "deregistration_delay.connection_termination.enabled, Value: 'true'", "deregistration_delay.connection_termination.enabled, Value: 'false'", "drain"},
	{"an attribute that no group of UDP may have", "- {Key: preserve_client_ip.enabled", "- {Key: target_health_state.unhealthy.connection_termination.enabled, Value: 'true'}\n        - {Key: preserve_client_ip.enabled", "targets"},
	{"a delay shorter than a flow", "timeout_seconds, Value: '150'", "timeout_seconds, Value: '90'", "drain"},
	{"a hook shorter than the delay", "HeartbeatTimeout: 180", "HeartbeatTimeout: 30", "drain"},
	{"a hook for the launch", "autoscaling:EC2_INSTANCE_TERMINATING", "autoscaling:EC2_INSTANCE_LAUNCHING", "drain"},
	{"a hook that gives up", "DefaultResult: CONTINUE", "DefaultResult: ABANDON", "drain"},
	{"health that nobody may ask for", "FromPort: 8053, ToPort: 8053, SourceSecurityGroupId: !Ref BalancerSecurityGroup", "FromPort: 8053, ToPort: 8053, SourceSecurityGroupId: !Ref OperatorsSecurityGroup", "who may come"},
	{"rndc for all", "FromPort: 953, ToPort: 953, SourceSecurityGroupId: !Ref OperatorsSecurityGroup", "FromPort: 953, ToPort: 953, CidrIp: !Ref Clients", "who may come"},
	{"newcomers that nobody tells", "SourceSecurityGroupId: !Ref MembersSecurityGroup", "SourceSecurityGroupId: !Ref BalancerSecurityGroup", "who may come"},
	{"a port that is none", "FromPort: 8053, ToPort: 8053, CidrIp: !Ref VpcCidr", "FromPort: 80530, ToPort: 80530, CidrIp: !Ref VpcCidr", "ports"},
	{"terminate before launch", "MinHealthyPercentage: 100, MaxHealthyPercentage: 150}", "MinHealthyPercentage: 50, MaxHealthyPercentage: 100}", "groups"},
	{"health of the machine only", "HealthCheckType: ELB", "HealthCheckType: EC2", "groups"},
	{"members that get no flows", "      TargetGroupARNs: [!Ref Targets]\n", "", "groups"},
	{"a fixed old version", "Version: !GetAtt LaunchTemplate.LatestVersionNumber", "Version: '1'", "groups"},
	{"no room to launch first", "MaxSize: '16'", "MaxSize: !Ref MembersPerZone", "room"},
	{"one zone for both groups", "VPCZoneIdentifier: [!Ref SubnetB]", "VPCZoneIdentifier: [!Ref SubnetA]", "groups"},
	{"the old metadata service", "HttpTokens: required", "HttpTokens: optional", "machine"},
	{"disks in the clear", "Encrypted: true", "Encrypted: false", "machine"},
	{"a public address", "AssociatePublicIpAddress: false", "AssociatePublicIpAddress: true", "public"},
	{"members that ask nobody", "--member=${MembersName} ", "", "user data"},
	{"health served elsewhere", "$address#8053", "$address#8054", "user data"},
	{"broken bash", "trap '", "trap ", "user data"},
	{"a count that an update cannot change", "Count: 4", "Count: !Ref MembersPerZone", "wait"},
	{"the Lambda may change all names", "NormalizedRecordNames: [!Ref MembersName]", "NormalizedRecordNames: ['*']", "names' rights"},
	{"the Lambda may change all types", "RecordTypes: [A]", "RecordTypes: [A, CNAME]", "names' rights"},
	{"a condition key that is none", "route53:ChangeResourceRecordSetsNormalizedRecordNames: [!Ref", "route53:ChangeResourceRecordSetsRecordNames: [!Ref", "names' rights"},
	{"a principal that is none", "Service: lambda.amazonaws.com", "Service: lamda.amazonaws.com", "names' rights"},
	{"members may change Route 53", "Action: s3:GetObject\n", "Action: [s3:GetObject, route53:ChangeResourceRecordSets]\n", "members' rights"},
	{"events of another group", "AutoScalingGroupName: [!Sub '${AWS::StackName}-a', !Sub", "AutoScalingGroupName: [!Sub '${AWS::StackName}', !Sub", "names' calls"},
	{"nobody may call", "Principal: events.amazonaws.com, SourceArn: !GetAtt Clock.Arn", "Principal: events.amazonaws.com, SourceArn: !GetAtt Changes.Arn", "names' calls"},
	{"an alarm that never rings", "MetricName: HealthyHostCount", "MetricName: HealthyHosts", "alarms"},
	{"one processor's image for both", "al2023-ami-kernel-default-${Architecture}", "al2023-ami-kernel-default-x86_64", "machine"},
	{"metadata for containers", "HttpPutResponseHopLimit: 1", "HttpPutResponseHopLimit: 2", "machine"},
	{"a disk smaller than the image", "VolumeSize: 8", "VolumeSize: 2", "machine"},
	{"members that AWS may take away", "CreditSpecification: {CpuCredits: unlimited}", "CreditSpecification: {CpuCredits: unlimited}\n        InstanceMarketOptions: {MarketType: spot}", "properties"},
	{"members that end by themselves", "      HealthCheckType: ELB\n", "      HealthCheckType: ELB\n      MaxInstanceLifetime: 86400\n", "properties"},
	{"an update that CloudFormation does itself", "    Type: AWS::AutoScaling::AutoScalingGroup\n", "    Type: AWS::AutoScaling::AutoScalingGroup\n    UpdatePolicy: {AutoScalingRollingUpdate: {MinInstancesInService: 0}}\n", "attributes"},
	{"a refresh of the other zone", "--auto-scaling-group-name ${GroupB}", "--auto-scaling-group-name ${GroupA}", "groups"},
	{"a refresh that replaces what is new", ",SkipMatching=true", "", "groups"},
	{"no time to become ready", "DefaultInstanceWarmup: 60", "DefaultInstanceWarmup: 0", "groups"},
	{"no room for some number", "MaxSize: '16'", "MaxSize: '12'", "room"},
	{"members that end when the number falls", "MaxSize: '16'", "MaxSize: !Ref MembersPerZone", "groups"},
	{"a number without room", "'4', '6', '8']", "'4', '6', '8', '10']", "room"},
	{"a zone of one member", "AllowedValues: ['2',", "AllowedValues: ['1', '2',", "room"},
	{"flows that stick", "{Key: preserve_client_ip.enabled, Value: 'true'}", "{Key: preserve_client_ip.enabled, Value: 'true'}\n        - {Key: stickiness.enabled, Value: 'true'}", "targets"},
	{"an event that does not come", "EC2 Instance Launch Successful", "EC2 Instance-launch Lifecycle Action", "names' calls"},
	{"no permission to call", "  ClockMayCall:\n    Type: AWS::Lambda::Permission\n    Properties: {FunctionName: !Ref Names, Action: lambda:InvokeFunction, Principal: events.amazonaws.com, SourceArn: !GetAtt Clock.Arn}\n", "", "names' calls"},
	{"a door for anybody", "Resources:\n", "Resources:\n  Door: {Type: AWS::Lambda::Url, Properties: {TargetFunctionArn: !Ref Names, AuthType: NONE}}\n", "kinds"},
	{"a Lambda without time", "Timeout: 30\n", "Timeout: 1\n", "names"},
	{"a log for ever", "      RetentionInDays: 30\n", "", "names"},
	{"a circle", "    DependsOn: NamesLog\n", "    DependsOn: [NamesLog, GroupA]\n", "circles"},
	{"a key that stays", "    Condition: OwnKey\n    DeletionPolicy: Delete\n", "    Condition: OwnKey\n", "key"},
	{"an output of another group", "Value: !Ref OperatorsSecurityGroup}", "Value: !Ref MembersSecurityGroup}", "key"},
	{"an alarm without actions", "EvaluationPeriods: 15\n", "EvaluationPeriods: 15\n      ActionsEnabled: false\n", "properties"},
	{"an alarm for one of fifteen", "EvaluationPeriods: 15\n", "EvaluationPeriods: 15\n      DatapointsToAlarm: 1\n", "properties"},
	{"the busy of the other zone", "{Name: AutoScalingGroupName, Value: !Ref GroupB}", "{Name: AutoScalingGroupName, Value: !Ref GroupA}", "alarms"},
	{"a parameter that does nothing", "  AlarmTopic:\n    Type: String\n", "  Unused: {Type: String, Default: x, AllowedValues: [x]}\n  AlarmTopic:\n    Type: String\n", "unused"},
	{"a parameter of any text", "AllowedPattern: '^[A-Za-z0-9._-]{1,64}$'", "AllowedPattern: '.*'", "patterns"},
	{"an id that nobody looks at", "Type: AWS::EC2::VPC::Id", "Type: String", "patterns"},
	{"a resource that is not there", "SecurityGroups: [!Ref BalancerSecurityGroup]", "SecurityGroups: [!Ref BalancerGroup]", "template"},
	{"a condition that is not there", "Condition: OwnKey\n", "Condition: OurKey\n", "template"},
}

func TestFleetErrorsAreFound(t *testing.T) {
	good, err := os.ReadFile("fleet.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range fleetErrors {
		bad := strings.ReplaceAll(string(good), e.old, e.new)
		if bad == string(good) {
			t.Errorf("%s: %q is not in the template", e.name, e.old)
			continue
		}
		tm, err := parse([]byte(bad))
		if err != nil || !tm.isFound(e.check, fleetChecks, fleetSets) {
			t.Errorf("%s: not found by the check %s, %v", e.name, e.check, err)
		}
	}
}
