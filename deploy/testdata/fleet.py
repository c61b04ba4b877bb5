"""Makes the stack of a fleet in moto, and runs the Lambda of its members' name there.

fleet.py TEMPLATE CODE   prints as JSON the stack's status, or why there is none, and what
the name has at each step
"""
import contextlib
import json
import os
import re
import sys

import boto3
from moto import mock_aws
from moto.autoscaling.models import autoscaling_backends
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT

REGION, NAME = "us-east-1", "members.awslab.mycompany.corp"


def parameters():
    """What the fleet needs to be there."""
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.79.0.0/16")["Vpc"]["VpcId"]
    given = {"PackageUrl": "s3://packages/forwarder.rpm", "VpcId": vpc}
    for zone, network in {"A": "10.79.1.0/24", "B": "10.79.2.0/24"}.items():
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=network, AvailabilityZone=REGION + zone.lower())
        given["Subnet" + zone] = subnet["Subnet"]["SubnetId"]
    zone = boto3.client("route53").create_hosted_zone(
        Name="awslab.mycompany.corp", CallerReference="1", VPC={"VPCRegion": REGION, "VPCId": vpc}
    )
    given["HostedZoneId"] = zone["HostedZone"]["Id"].split("/")[-1]
    given["KeyArn"] = boto3.client("secretsmanager").create_secret(Name="key", SecretString="x")["ARN"]
    return given


def create(template):
    """Makes the stack and returns its parameters."""
    given = parameters()
    with open(template, encoding="utf-8") as file:
        body = file.read()
    # moto makes all balancers ALBs: cfn-lint and the assertions hold what is of an NLB.
    body, found = re.subn(r"SubnetMappings:\n( +- {SubnetId: .*\n)+", "Subnets: [!Ref SubnetA, !Ref SubnetB]\n", body)
    body = body.replace("Protocol: TCP_UDP", "Protocol: HTTP")
    if found != 1:
        sys.exit("the balancer has no SubnetMappings")
    boto3.client("cloudformation").create_stack(
        StackName="fleet",
        TemplateBody=body,
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in given.items()],
    )
    return given


def names(given, code):
    """Members come and go, and the Lambda is called after each."""
    os.environ.update(GROUPS="fleet-a fleet-b", NAME=NAME, ZONE=given["HostedZoneId"])
    module = {}
    with open(code, encoding="utf-8") as file:
        exec(compile(file.read(), code, "exec"), module)
    groups, route53 = boto3.client("autoscaling"), boto3.client("route53")
    changes = []
    change = route53.change_resource_record_sets

    def counting(**arguments):
        changes.append(arguments)
        return change(**arguments)

    real = boto3.client

    def client(service, *arguments, **more):
        made = real(service, *arguments, **more)
        if service == "route53":
            made.change_resource_record_sets = counting
        return made

    boto3.client = client
    steps = []

    def step(what):
        before = len(changes)
        with contextlib.redirect_stdout(sys.stderr):
            module["handler"]({}, None)
        sets = route53.list_resource_record_sets(HostedZoneId=given["HostedZoneId"])["ResourceRecordSets"]
        there = [r for r in sets if r["Name"] == NAME + "."]
        addresses = sorted(a["Value"] for r in there for a in r["ResourceRecords"])
        steps.append(
            {
                "step": what,
                "want": want(),
                "have": addresses,
                "kinds": sorted(f"{r['Type']} {r['TTL']}" for r in there),
                "others": len(sets) - len(there),
                "wrote": len(changes) - before,
            }
        )

    def instances():
        listed = groups.describe_auto_scaling_groups(AutoScalingGroupNames=["fleet-a", "fleet-b"])
        return [i for g in listed["AutoScalingGroups"] for i in g["Instances"]]

    def want():
        ids = [i["InstanceId"] for i in instances() if i["LifecycleState"] != "Pending:Wait"]
        if not ids:
            return []
        found = real("ec2").describe_instances(InstanceIds=ids)["Reservations"]
        return sorted(i["PrivateIpAddress"] for r in found for i in r["Instances"])

    def resize(group, count):
        groups.update_auto_scaling_group(AutoScalingGroupName=group, MinSize=0)
        groups.set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=count)

    step("launched")
    step("nothing new")
    resize("fleet-a", 3)
    step("one more")
    # moto has no hooks: it is told in which state a member is.
    state = autoscaling_backends[ACCOUNT][REGION].autoscaling_groups["fleet-a"].instance_states[0]
    state.lifecycle_state = "Pending:Wait"
    step("one is launched")
    state.lifecycle_state = "Terminating:Wait"
    step("one drains")
    state.lifecycle_state = "InService"
    first = instances()[0]["InstanceId"]
    groups.enter_standby(
        InstanceIds=[first], AutoScalingGroupName="fleet-a", ShouldDecrementDesiredCapacity=True
    )
    step("one stands by")
    groups.exit_standby(InstanceIds=[first], AutoScalingGroupName="fleet-a")
    groups.terminate_instance_in_auto_scaling_group(InstanceId=first, ShouldDecrementDesiredCapacity=True)
    step("one less")
    resize("fleet-a", 0)
    resize("fleet-b", 0)
    step("none left")
    step("still none")
    resize("fleet-b", 1)
    step("one again")
    return steps


def main():
    os.environ.update(AWS_DEFAULT_REGION=REGION, AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x")
    with mock_aws():
        given = create(sys.argv[1])
        stack = boto3.client("cloudformation").describe_stacks(StackName="fleet")["Stacks"][0]
        status = f"{stack['StackStatus']} {stack.get('StackStatusReason', '')}".strip()
        steps = names(given, sys.argv[2]) if status == "CREATE_COMPLETE" else []
        print(json.dumps({"status": status, "steps": steps}))


main()
