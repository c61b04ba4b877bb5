package deploy

import (
	"cmp"
	"encoding/base64"
	"net/netip"
	"strings"
)

var dnsChecks = []check{
	{"zone", checkZone},
	{"record", checkRecord},
	{"probe", checkProbe},
	{"retained", checkRetained},
	{"key", checkKey},
	{"outputs", checkOutputs},
}

// zoneID is how the stack names the zone.
func (f *findings) zoneID() string {
	if id := f.values["HostedZoneId"]; id != "" {
		return id
	}
	return "${Zone}"
}

// checkZone: it is private, and of the VPC that the forwarders are in.
func checkZone(f *findings) {
	if f.values["HostedZoneId"] != "" {
		f.equal("Zone", f.resources["Zone"].kind, "")
		return
	}
	vpc := f.values["VpcId"]
	if vpc == "" {
		vpc = "${Vpc}"
	}
	f.equal("Name", f.property("Zone", "Name"), f.values["ZoneName"])
	f.equal("VPCs", f.property("Zone", "VPCs"), []any{map[string]any{"VPCId": vpc, "VPCRegion": "us-east-1"}})
	if !strings.HasSuffix(f.values["FailoverName"], "."+f.values["ZoneName"]) {
		f.add("%s is not in %s", f.values["FailoverName"], f.values["ZoneName"])
	}
}

// checkRecord: the name that fails over is an A record with a TTL of 10 s.
func checkRecord(f *findings) {
	if f.values["FailoverAddress"] == "" {
		f.equal("records", f.of("AWS::Route53::RecordSet"), "[]")
		return
	}
	f.equal("records", f.of("AWS::Route53::RecordSet"), "[FailoverRecord ProbeRecord]")
	f.equal("Name", f.property("FailoverRecord", "Name"), f.values["FailoverName"])
	f.equal("Type", f.property("FailoverRecord", "Type"), "A")
	f.equal("TTL", f.property("FailoverRecord", "TTL"), "10")
	f.equal("HostedZoneId", f.property("FailoverRecord", "HostedZoneId"), f.zoneID())
	data := list(f.property("FailoverRecord", "ResourceRecords"))
	if len(data) != 1 {
		f.add("ResourceRecords = %v, want one", data)
		return
	}
	if address, err := netip.ParseAddr(data[0]); err != nil || !address.Is4() || address.String() != f.values["FailoverAddress"] {
		f.add("ResourceRecords = %v, want %s", data, f.values["FailoverAddress"])
	}
}

// checkProbe: below the name is a wildcard that is an alias of it.
func checkProbe(f *findings) {
	if f.values["FailoverAddress"] == "" {
		return
	}
	f.equal("Name", f.property("ProbeRecord", "Name"), "*.now."+f.values["FailoverName"])
	f.equal("Type", f.property("ProbeRecord", "Type"), "A")
	f.equal("TTL", f.property("ProbeRecord", "TTL"), nil) // an alias has that of its target
	f.equal("HostedZoneId", f.property("ProbeRecord", "HostedZoneId"), f.zoneID())
	f.equal("AliasTarget", f.property("ProbeRecord", "AliasTarget"),
		map[string]any{"DNSName": f.values["FailoverName"], "HostedZoneId": f.zoneID(), "EvaluateTargetHealth": false})
	if !f.needs("ProbeRecord")["FailoverRecord"] {
		f.add("it may be made before its target")
	}
}

// checkRetained: what clients and other applications use outlives the stack, and nothing
// else does. A stack that failed to be made leaves nothing, so that the next can be made.
func checkRetained(f *findings) {
	for name, r := range f.resources {
		deleted, replaced := "", ""
		switch {
		case strings.HasPrefix(r.kind, "AWS::Route53::"):
			deleted, replaced = "RetainExceptOnCreate", "Retain"
		case r.kind == "AWS::SecretsManager::Secret":
			deleted, replaced = "Delete", "Delete"
		}
		f.equal(name+"'s DeletionPolicy", r.deletionPolicy, deleted)
		f.equal(name+"'s UpdateReplacePolicy", r.updateReplacePolicy, replaced)
	}
}

// checkKey: what Secrets Manager makes is the base64 text of a key, and is written nowhere.
func checkKey(f *findings) {
	f.equal("SecretString", f.property("Key", "SecretString"), nil)
	how := f.property("Key", "GenerateSecretString")
	f.equal("IncludeSpace", dig(how, "IncludeSpace"), false)
	f.equal("ExcludePunctuation", dig(how, "ExcludePunctuation"), true)
	length, _ := dig(how, "PasswordLength").(int)
	key, err := base64.StdEncoding.DecodeString(strings.Repeat("k", length))
	if err != nil || len(key) < 32 {
		f.add("%d letters and digits are base64 of %d octets (%v), want 32 or more", length, len(key), err)
	}
}

// checkOutputs: what corporate DNS and operators copy has both addresses and the names.
func checkOutputs(f *findings) {
	for _, name := range []string{"Bind", "Unbound", "Dnsmasq", "PowerDns", "SystemdResolved", "ResolvConf", "Windows", "FailoverCommand"} {
		for _, parameter := range []string{"AddressA", "AddressB", "ZoneName"} {
			if name == "ResolvConf" && parameter == "ZoneName" {
				continue
			}
			if want := f.values[parameter]; !strings.Contains(text(f.outputs[name]), want) {
				f.add("%s = %q, want %s in it", name, f.outputs[name], want)
			}
		}
	}
	vpc := cmp.Or(f.values["VpcId"], "${Vpc}")
	for name, want := range map[string]string{
		"KeyArn": "${Key}", "SwitchPolicyArn": "${SwitchPolicy}", "KeyPolicyArn": "${KeyPolicy}", "VpcId": vpc, "HostedZoneId": f.zoneID(),
		"ApplicationProfile": "${ApplicationProfile}", "Operators": "${Operators}", "OperatorsSecurityGroup": "${OperatorsSecurityGroup}",
	} {
		f.equal(name, f.outputs[name], want)
	}
}
