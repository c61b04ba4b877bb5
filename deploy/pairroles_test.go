package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
)

var roleChecks = []check{
	{"principals", checkPrincipals},
	{"forwarders' rights", checkForwarderRights},
	{"switch rights", checkSwitchRights},
	{"wildcards", checkWildcards},
}

// allowed writes what a policy allows: an action and a resource, for each statement.
func allowed(policy any) (all []string) {
	statements, _ := dig(policy, "Statement").([]any)
	for _, s := range statements {
		if dig(s, "Effect") == "Allow" && dig(s, "NotAction") == nil && dig(s, "NotResource") == nil {
			all = append(all, strings.Join(list(dig(s, "Action")), ",")+" "+strings.Join(list(dig(s, "Resource")), ","))
		} else {
			all = append(all, fmt.Sprint(s))
		}
	}
	return all
}

// checkPrincipals: only EC2 may take the roles.
func checkPrincipals(f *findings) {
	for _, name := range f.of("AWS::IAM::Role") {
		statements, _ := f.property(name, "AssumeRolePolicyDocument", "Statement").([]any)
		f.equal(name, statements, []any{map[string]any{
			"Effect": "Allow", "Principal": map[string]any{"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}})
	}
	f.equal("ForwarderProfile", f.property("ForwarderProfile", "Roles"), "[${ForwarderRole}]")
	f.equal("ApplicationProfile", f.property("ApplicationProfile", "Roles"), "[${ApplicationRole}]")
}

// checkForwarderRights: their package and their key, nothing else; no Route 53.
func checkForwarderRights(f *findings) {
	var all []string
	policies, _ := f.property("ForwarderRole", "Policies").([]any)
	for _, p := range policies {
		all = append(all, allowed(dig(p, "PolicyDocument"))...)
	}
	object := "arn:aws:s3:::" + strings.TrimPrefix(f.values["PackageUrl"], "s3://")
	f.equal("ForwarderRole", all, "[s3:GetObject "+object+" secretsmanager:GetSecretValue ${Key}]")
	f.equal("ForwarderRole's ManagedPolicyArns", f.property("ForwarderRole", "ManagedPolicyArns"), nil)
	for _, name := range slices.Concat(f.of("AWS::IAM::ManagedPolicy"), f.of("AWS::IAM::Policy")) {
		for _, key := range []string{"Roles", "Users", "Groups"} {
			f.equal(name+"'s "+key, f.property(name, key), nil)
		}
	}
}

// checkSwitchRights: operators and application servers may do what failover-policy.json
// says, in this zone, and read the key.
func checkSwitchRights(f *findings) {
	want, err := policyFile(f.values["FailoverName"], f.zoneID())
	if err != nil {
		f.add("%v", err)
	} else if got := f.property("SwitchPolicy", "PolicyDocument"); !reflect.DeepEqual(got, want) {
		f.add("SwitchPolicy = %v, want %v", got, want)
	}
	for _, name := range f.of("AWS::IAM::ManagedPolicy") { // another description makes another policy, which nobody has
		if _, fixed := dig(f.template.resources, name, "Properties", "Description").(string); !fixed {
			f.add("%s has a description that may change", name)
		}
	}
	f.equal("KeyPolicy", allowed(f.property("KeyPolicy", "PolicyDocument")), "[secretsmanager:GetSecretValue ${Key}]")
	for _, name := range []string{"ApplicationRole", "Operators"} {
		f.equal(name, f.property(name, "ManagedPolicyArns"), "[${SwitchPolicy} ${KeyPolicy}]")
		f.equal(name+"'s own", f.property(name, "Policies"), nil)
	}
}

// policyFile is failover-policy.json for a name and a zone.
func policyFile(name, zone string) (policy any, err error) {
	text, err := os.ReadFile("failover-policy.json")
	if err != nil {
		return nil, err
	}
	filled := strings.NewReplacer("myservice.awslab.mycompany.corp", name, "Z0123456789ABCDEFGHIJ", zone).Replace(string(text))
	err = json.Unmarshal([]byte(filled), &policy)
	return policy, err
}

// checkWildcards: the resource * stands only where Route 53 knows no other.
func checkWildcards(f *findings) {
	for name, r := range f.resources {
		if !strings.HasPrefix(r.kind, "AWS::IAM::") {
			continue
		}
		for _, line := range statements(r.properties) {
			action, resource, _ := strings.Cut(line, " ")
			if strings.Contains(action, "*") || resource == "*" && action != "route53:ListHostedZonesByName" {
				f.add("%s allows %s", name, line)
			}
		}
	}
}

// statements are what all policies at any depth allow.
func statements(v any) (all []string) {
	switch v := v.(type) {
	case map[string]any:
		if v["Statement"] != nil {
			return allowed(v)
		}
		for _, each := range v {
			all = append(all, statements(each)...)
		}
	case []any:
		for _, each := range v {
			all = append(all, statements(each)...)
		}
	}
	return all
}
