package deploy

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

var networkChecks = []check{
	{"addresses", checkAddresses},
	{"networks", checkNetworks},
	{"public", checkPublic},
	{"ports", checkPorts},
	{"groups", checkGroups},
	{"acl", checkACL},
	{"endpoints", checkEndpoints},
}

// checkAddresses: each is one that its subnet can give, and the resolver is that of the VPC.
func checkAddresses(f *findings) {
	vpc, err := netip.ParsePrefix(f.values["VpcCidr"])
	if err != nil {
		f.add("VpcCidr: %v", err)
		return
	}
	f.equal("the resolver", f.values["Resolver"], vpc.Addr().Next().Next())
	subnets := make([]netip.Prefix, 2)
	for i, x := range []string{"A", "B"} {
		subnets[i], err = netip.ParsePrefix(f.values["SubnetCidr"+x])
		address, err2 := netip.ParseAddr(text(f.property("Interface"+x, "PrivateIpAddress")))
		if err != nil || err2 != nil || !subnets[i].Contains(address) || !vpc.Contains(subnets[i].Addr()) {
			f.add("%v is not in %v of %v", address, subnets[i], vpc)
		}
		if reserved(subnets[i], address) {
			f.add("%v is one that AWS keeps of %v", address, subnets[i])
		}
		f.equal("output Address"+x, f.outputs["Address"+x], address)
	}
	if subnets[0].Overlaps(subnets[1]) {
		f.add("%v and %v overlap", subnets[0], subnets[1])
	}
}

// reserved reports whether AWS keeps an address: the first four of a subnet, and the last.
func reserved(subnet netip.Prefix, address netip.Addr) bool {
	first := subnet.Masked().Addr()
	for range 4 {
		if first == address {
			return true
		}
		first = first.Next()
	}
	return !subnet.Contains(address.Next())
}

// checkNetworks: a VPC that is made here has what private zones need, in two zones; and
// all that is in a VPC is in the same one.
func checkNetworks(f *findings) {
	vpc, own := f.values["VpcId"], f.values["VpcId"] == ""
	if own {
		vpc = "${Vpc}"
		f.equal("CidrBlock", f.property("Vpc", "CidrBlock"), f.values["VpcCidr"])
		f.equal("EnableDnsSupport", f.property("Vpc", "EnableDnsSupport"), true)
		f.equal("EnableDnsHostnames", f.property("Vpc", "EnableDnsHostnames"), true)
	}
	for i, x := range []string{"A", "B"} {
		subnet := f.values["Subnet"+x]
		if own {
			subnet = "${OwnSubnet" + x + "}"
			f.equal("subnet "+x, f.property("OwnSubnet"+x, "CidrBlock"), f.values["SubnetCidr"+x])
			f.equal("zone of "+x, f.property("OwnSubnet"+x, "AvailabilityZone"), "us-east-1"+string(rune('a'+i)))
			f.equal("routes of "+x, f.property("RoutesOfSubnet"+x, "RouteTableId"), "${RouteTable"+x+"}")
			f.equal("routes of "+x, f.property("RoutesOfSubnet"+x, "SubnetId"), subnet)
		}
		f.equal("subnet of interface "+x, f.property("Interface"+x, "SubnetId"), subnet)
		f.equal("groups of interface "+x, f.property("Interface"+x, "GroupSet"), "[${ForwardersSecurityGroup}]")
	}
	for name, r := range f.resources {
		if id := r.properties["VpcId"]; id != nil {
			f.equal("VPC of "+name, id, vpc)
		}
	}
}

// rule writes one of a security group: what it admits, and from or to whom.
func rule(v any) string {
	for _, key := range []string{"CidrIp", "SourceSecurityGroupId"} {
		if who := dig(v, key); who != nil {
			return fmt.Sprintf("%v %v-%v %v", dig(v, "IpProtocol"), dig(v, "FromPort"), dig(v, "ToPort"), who)
		}
	}
	return fmt.Sprint(v)
}

func (f *findings) rules(group, side string) (all []string) {
	rules, _ := f.property(group, side).([]any)
	for _, each := range rules {
		all = append(all, rule(each))
	}
	for _, name := range f.of("AWS::EC2::SecurityGroupIngress") {
		if side == "SecurityGroupIngress" && f.property(name, "GroupId") == "${"+group+"}" {
			all = append(all, rule(f.resources[name].properties))
		}
	}
	slices.Sort(all)
	return all
}

// checkGroups: the security groups admit what they are meant to, and nothing else.
func checkGroups(f *findings) {
	clients, resolver := f.values["Clients"], f.values["Resolver"]+"/32"
	var control, peers []string
	for _, x := range []string{"A", "B"} {
		address := f.values["Address"+x] + "/32"
		control = append(control, "tcp 953-953 "+address)
		peers = append(peers, "tcp 53-53 "+address, "udp 53-53 "+address)
	}
	out := slices.Concat([]string{"tcp 443-443 0.0.0.0/0", "tcp 53-53 " + resolver, "udp 53-53 " + resolver}, control, peers)
	if f.values["DnsTracking"] == "untracked" {
		clients, out = "0.0.0.0/0", []string{"tcp 0-65535 0.0.0.0/0", "udp 0-65535 0.0.0.0/0"}
	}
	slices.Sort(out)
	in := slices.Concat([]string{"tcp 22-22 " + f.values["Administrators"], "tcp 53-53 " + clients, "tcp 953-953 ${OperatorsSecurityGroup}", "udp 53-53 " + clients}, control, peers)
	if f.values["DnsTracking"] == "untracked" {
		in = append(in, "icmp 3-4 0.0.0.0/0")
	}
	if f.values["Monitoring"] != "" {
		in = append(in, "tcp 9153-9153 "+f.values["Monitoring"])
	}
	slices.Sort(in)
	f.equal("into the forwarders", f.rules("ForwardersSecurityGroup", "SecurityGroupIngress"), in)
	f.equal("out of the forwarders", f.rules("ForwardersSecurityGroup", "SecurityGroupEgress"), out)
	f.equal("into operators' hosts", f.rules("OperatorsSecurityGroup", "SecurityGroupIngress"), "[]")
	slices.Sort(control)
	f.equal("out of operators' hosts", f.rules("OperatorsSecurityGroup", "SecurityGroupEgress"), control)
	if f.values["SecretsEndpoint"] == "create" {
		f.equal("into the endpoint", f.rules("EndpointSecurityGroup", "SecurityGroupIngress"), "[tcp 443-443 "+f.values["VpcCidr"]+"]")
		f.equal("out of the endpoint", f.rules("EndpointSecurityGroup", "SecurityGroupEgress"), "[-1 <nil>-<nil> 127.0.0.1/32]")
	}
}

// checkACL: where the groups admit everybody to DNS, network ACLs admit the clients and the
// VPC only.
func checkACL(f *findings) {
	var got []string
	for _, name := range f.of("AWS::EC2::NetworkAclEntry") {
		p := f.resources[name].properties
		got = append(got, fmt.Sprintf("%v %v %v %v-%v %v %v", dig(p, "RuleNumber"), dig(p, "RuleAction"), dig(p, "Protocol"),
			cmp.Or(dig(p, "PortRange", "From"), dig(p, "Icmp", "Type")), cmp.Or(dig(p, "PortRange", "To"), dig(p, "Icmp", "Code")),
			dig(p, "CidrBlock"), dig(p, "Egress")))
	}
	slices.Sort(got)
	var want []string
	if f.values["DnsTracking"] == "untracked" {
		f.entriesFirst()
		want = wantedACL(f.values)
		for _, x := range []string{"A", "B"} {
			f.equal("ACL of subnet "+x, f.property("UntrackedAclOfSubnet"+x, "SubnetId"), f.property("Interface"+x, "SubnetId"))
			if needs := f.needs("LaunchTemplate" + x); f.resources["Instance"+x].kind != "" && !needs["UntrackedAclOfSubnet"+x] {
				f.add("forwarder %s may start before the ACL is its subnet's", x)
			}
		}
	}
	f.equal("entries", got, want)
}

// entriesFirst: an ACL without entries shuts its subnet, so all of them come first.
func (f *findings) entriesFirst() {
	for _, name := range append(f.of("AWS::EC2::NetworkAclEntry"), f.of("AWS::EC2::SubnetNetworkAclAssociation")...) {
		f.equal(name+"'s ACL", f.property(name, "NetworkAclId"), "${UntrackedAcl}")
	}
	for _, name := range f.of("AWS::EC2::SubnetNetworkAclAssociation") {
		needs := f.needs(name)
		for _, entry := range f.of("AWS::EC2::NetworkAclEntry") {
			if !needs[entry] && entry != "AclMonitoring" { // which DependsOn cannot name, as it may be absent
				f.add("%s may be made before %s", name, entry)
			}
		}
	}
}

// wantedACL: 17 is UDP, 6 is TCP and 1 is ICMP, whose 3-4 says that a packet is too long.
func wantedACL(values map[string]string) []string {
	want := []string{
		"100 allow -1 <nil>-<nil> 0.0.0.0/0 true",
		"100 allow 17 53-53 " + values["Clients"] + " <nil>",
		"110 allow 6 53-53 " + values["Clients"] + " <nil>",
		"120 allow 6 22-22 " + values["Administrators"] + " <nil>",
		"200 allow 17 53-65535 " + values["VpcCidr"] + " <nil>",
		"210 allow 6 53-53 " + values["VpcCidr"] + " <nil>",
		"220 allow 6 443-443 " + values["VpcCidr"] + " <nil>",
		"230 allow 6 953-953 " + values["VpcCidr"] + " <nil>",
		"160 allow 6 1024-65535 0.0.0.0/0 <nil>",
		"170 allow 17 1024-65535 " + values["Resolver"] + "/32 <nil>",
		"180 allow 1 3-4 0.0.0.0/0 <nil>",
	}
	if values["Monitoring"] != "" {
		want = append(want, "150 allow 6 9153-9153 "+values["Monitoring"]+" <nil>")
	}
	slices.Sort(want)
	return want
}

// checkEndpoints: packages, keys and word come through, those of a fleet too, and in a VPC
// of its own nothing else.
func checkEndpoints(f *findings) {
	bucket, _, _ := strings.Cut(strings.TrimPrefix(f.values["PackageUrl"], "s3://"), "/")
	for _, e := range []struct{ parameter, name, service, kind, resources string }{
		{"S3Endpoint", "S3GatewayEndpoint", "s3", "Gateway", "[s3:GetObject arn:aws:s3:::" + bucket + "/*" +
			" s3:GetObject arn:aws:s3:::al2023-repos-us-east-1-*/* s3:PutObject arn:aws:s3:::cloudformation-waitcondition-us-east-1/*]"},
		{"SecretsEndpoint", "SecretsManagerEndpoint", "secretsmanager", "Interface", "[secretsmanager:GetSecretValue arn:aws:secretsmanager:us-east-1:123456789012:secret:*]"},
	} {
		if f.values[e.parameter] != "create" {
			f.equal(e.name, f.resources[e.name].kind, "")
			continue
		}
		f.equal(e.name+"'s service", f.property(e.name, "ServiceName"), "com.amazonaws.us-east-1."+e.service)
		f.equal(e.name+"'s type", f.property(e.name, "VpcEndpointType"), e.kind)
		policy := f.property(e.name, "PolicyDocument")
		if f.values["VpcId"] != "" {
			f.equal(e.name+"'s policy", policy, nil)
			continue
		}
		f.equal(e.name+"'s policy", allowed(policy), e.resources)
		statements, _ := dig(policy, "Statement").([]any)
		for _, s := range statements { // who that is, their own policies say
			f.equal(e.name+"'s principals", dig(s, "Principal"), "*")
		}
	}
	f.reaches()
}

// reaches: both endpoints are where the forwarders are, and are made before them.
func (f *findings) reaches() {
	own := f.values["VpcId"] == ""
	if f.values["S3Endpoint"] == "create" {
		tables := list(f.property("S3GatewayEndpoint", "RouteTableIds"))
		f.equal("RouteTableIds", len(tables) > 0 && (!own || slices.Equal(tables, []string{"${RouteTableA}", "${RouteTableB}"})), true)
	}
	if f.values["SecretsEndpoint"] == "create" {
		f.equal("SubnetIds", f.property("SecretsManagerEndpoint", "SubnetIds"), []any{f.property("InterfaceA", "SubnetId"), f.property("InterfaceB", "SubnetId")})
		f.equal("PrivateDnsEnabled", f.property("SecretsManagerEndpoint", "PrivateDnsEnabled"), true)
		f.equal("SecurityGroupIds", f.property("SecretsManagerEndpoint", "SecurityGroupIds"), "[${EndpointSecurityGroup}]")
	}
	for _, instance := range f.of("AWS::EC2::Instance") {
		needs := f.needs(instance)
		for _, name := range append(f.of("AWS::EC2::VPCEndpoint"), "ForwarderProfile") {
			if !needs[name] {
				f.add("%s may start before %s is there", instance, name)
			}
		}
	}
}
