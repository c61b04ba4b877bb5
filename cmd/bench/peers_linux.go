package main

import (
	"os/exec"
	"strings"
)

// A peer is a server to compare with. In its arguments and its configuration
// {dir}, {conf}, {port} and {upstream} stand for a directory of its own, the
// configuration's path, the port to serve on 127.0.0.1, and the upstream's.
type peer struct {
	name, program string
	args, conf    string
	big           bool // takes part with the big cache
}

const namedConf = `
acl clients { 10.0.0.0/8; localhost; };
controls { };
options {
	directory "{dir}"; pid-file none; session-keyfile none;
	listen-on port {port} { 127.0.0.1; }; listen-on-v6 { none; };
	allow-query { clients; }; dnssec-validation no;
	forward only; forwarders { 127.0.0.1 port {upstream}; };
	max-cache-size 1g; recursive-clients 100000; clients-per-query 0;
};
zone "awslab.mycompany.corp" { type forward; forwarders { 127.0.0.1 port {upstream}; }; };
`

// before is an earlier version of the forwarder.
const before = "before"

const forwarderArgs = "-g --metrics-address= -c {conf}"

// peers have what they need to answer all questions from a cache of a gigabyte,
// with one thread, without validation.
var peers = []peer{
	{name: "echo", args: "{port}", big: true},
	{name: ours, args: forwarderArgs, conf: namedConf, big: true},
	{name: before, args: forwarderArgs, conf: namedConf, big: true},
	{name: "dnsdist", program: "dnsdist", args: "--supervised --disable-syslog -C {conf}", big: true, conf: `
setLocal("127.0.0.1:{port}")
setACL({"127.0.0.0/8"})
setMaxUDPOutstanding(65535)
setSecurityPollSuffix("")
newServer({address="127.0.0.1:{upstream}", checkName="up.awslab.mycompany.corp.", sockets=64})
getPool(""):setCache(newPacketCache(2000000, {maxTTL=86400, numberOfShards=20}))
`},
	{name: "unbound", program: "unbound", args: "-d -c {conf}", big: true, conf: `
server:
	interface: 127.0.0.1@{port}
	access-control: 127.0.0.0/8 allow
	directory: "{dir}"
	chroot: ""
	username: ""
	pidfile: ""
	use-syslog: no
	num-threads: 1
	module-config: "iterator"
	do-not-query-localhost: no
	msg-cache-size: 1g
	rrset-cache-size: 2g
	outgoing-range: 8192
	num-queries-per-thread: 4096
	so-rcvbuf: 4m
	so-sndbuf: 4m
remote-control:
	control-enable: no
forward-zone:
	name: "."
	forward-addr: 127.0.0.1@{upstream}
`},
	{name: "named", program: "named", args: "-g -n 1 -c {conf}", conf: namedConf, big: true},
	{name: "dnsmasq", program: "dnsmasq", args: "-k -C {conf}", conf: `
no-resolv
no-hosts
user=root
pid-file=
port={port}
server=127.0.0.1#{upstream}
listen-address=127.0.0.1
bind-interfaces
cache-size=1000000
dns-forward-max=10000
`},
	{name: "pdns", program: "pdns_recursor", args: "--config-dir={dir} --daemon=no --disable-syslog", conf: `
local-address=127.0.0.1
local-port={port}
allow-from=127.0.0.0/8
forward-zones-recurse=.=127.0.0.1:{upstream}
dont-query=
dnssec=off
threads=1
socket-dir={dir}
security-poll-suffix=
max-cache-entries=2000000
max-packetcache-entries=1000000
max-mthreads=8192
loglevel=3
quiet=yes
`},
	{name: "kresd", program: "kresd", args: "-n -c {conf} {dir}", conf: `
net.listen('127.0.0.1', {port}, { kind = 'dns' })
trust_anchors.remove('.')
cache.open(1000*MB, 'lmdb://{dir}')
modules.unload('ta_update')
modules.unload('ta_signal_query')
modules.unload('priming')
modules.unload('detect_time_skew')
policy.add(policy.all(policy.STUB({'127.0.0.1@{upstream}'})))
`},
}

func peerNames() []string {
	var names []string
	for _, p := range peers {
		if p.program != "" {
			names = append(names, p.name)
		}
	}
	return names
}

// confName is the name that pdns_recursor insists on.
func (p *peer) confName() string {
	if p.name == "pdns" {
		return "recursor.conf"
	}
	return p.name + ".conf"
}

func (p *peer) installed() bool {
	_, err := exec.LookPath(p.program)
	return err == nil
}

// fill replaces the placeholders in each word of args.
func fill(args string, r *strings.Replacer) []string {
	words := strings.Fields(args)
	for i, w := range words {
		words[i] = r.Replace(w)
	}
	return words
}
