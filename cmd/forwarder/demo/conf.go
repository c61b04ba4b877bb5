package demo

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"vpcdns/forwarder/config"
)

// pairConf is the reference configuration, moved to free ports on loopback and
// without its log. Stale answers are kept, and given only once somebody says so
// (rndc serve-stale on). Its verbs are the forwarder's port, the VPC resolver's, and
// staleTTL.
const pairConf = `acl goodclients {
    10.0.0.0/8;
    localhost;
    localnets;
};

options {
    listen-on port %[1]d { 127.0.0.1; };
    listen-on-v6 { none; };
    pid-file none;
    version "not currently available";
    allow-query { goodclients; };
    forwarders { 127.0.0.1 port %[2]d; };
    forward only;
    max-cache-size 8m;
    stale-cache-enable yes;
    stale-answer-ttl %[3]d;
    stale-answer-client-timeout 1800;
};

zone "us-east-1.compute.internal" IN {
    type forward;
    forward only;
    forwarders { 127.0.0.1 port %[2]d; };
};

zone "awslab.mycompany.corp." IN {
    type forward;
    forward only;
    forwarders { 127.0.0.1 port %[2]d; };
};
`

// staleTTL is that of a stale answer, in seconds: who asks again soon learns of a
// fresh one.
const staleTTL = 1

// corporateConf is that of a server which knows the pair by its addresses, and
// nothing of failovers. Its verbs are its own port and those of the pair.
const corporateConf = `options {
    listen-on port %d { 127.0.0.1; };
    listen-on-v6 { none; };
    pid-file none;
    allow-query { localhost; };
    max-cache-size 8m;
};

zone "awslab.mycompany.corp." IN {
    type forward;
    forward only;
    forwarders { 127.0.0.1 port %d; 127.0.0.1 port %d; };
};
`

// loadConf goes the way of every configuration: through a file.
func loadConf(dir, text string) (*config.Config, error) {
	path := filepath.Join(dir, "named.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("writing a named.conf: %w", err)
	}
	cfg, _, err := config.Load(path)
	return cfg, err
}

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})
