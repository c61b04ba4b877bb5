package lab

// Downstream are the servers that stand behind the pair, and have nothing in their
// configuration but where they are, and a Setup's Snippets.
var Downstream = []Server{
	{Name: "named", args: "-g -c {conf}", conf: `controls { };
options {
	directory "{{.Dir}}"; pid-file none; session-keyfile none;
	listen-on { {{.Address}}; }; listen-on-v6 { none; }; allow-query { any; };
	{{index .Snippets "bind-options"}}
};
{{index .Snippets "bind"}}`},
	{Name: "unbound", args: "-d -c {conf}", conf: `server:
	directory: "{{.Dir}}"
	chroot: ""
	username: ""
	pidfile: ""
	use-syslog: no
	do-ip6: no
	interface: {{.Address}}
	access-control: 10.0.0.0/8 allow
	private-address: 10.0.0.0/8
	trust-anchor: "` + rootAnchor + `"
remote-control:
	control-enable: no
{{index .Snippets "unbound"}}`},
	{Name: "dnsmasq", args: "-k --conf-file={conf}", conf: `no-resolv
no-hosts
user=root
pid-file=
log-facility=-
bind-interfaces
listen-address={{.Address}}
stop-dns-rebind
{{index .Snippets "dnsmasq"}}`},
	{Name: "pdns_recursor", setup: "cp {conf} {dir}/recursor.conf", args: "--config-dir={dir}", conf: `daemon=no
local-address={{.Address}}
security-poll-suffix=
socket-dir={{.Dir}}
{{index .Snippets "powerdns"}}`},
	{Name: "systemd-resolved", setup: `mkdir -p /run/systemd/resolved.conf.d
cp {conf} /run/systemd/resolved.conf.d/`, etc: map[string]string{
		"passwd": "root:x:0:0::/:/bin/sh\nsystemd-resolve:x:990:990::/:/bin/false\n",
		"group":  "root:x:0:\nsystemd-resolve:x:990:\n",
	}, conf: `[Resolve]
LLMNR=no
MulticastDNS=no
DNSStubListener=no
DNSStubListenerExtra={{.Address}}
{{index .Snippets "systemd-resolved"}}`},
}

// rootAnchor is the root's, by which it is known that there is no corp.
const rootAnchor = ". DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
