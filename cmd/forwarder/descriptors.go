package main

import (
	"golang.org/x/sys/unix"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/logging"
)

// ownDescriptors is what the process needs beside the connections of clients that
// are served: 1024 sockets to upstream while that is slow, the connections that wait
// to be served, and the files and listening sockets of a machine with some
// addresses.
const ownDescriptors = 1024 + 256

// fitDescriptors lets a configuration live with few open files: TCP clients
// get half of them at most, so that upstream can be asked whatever they do. The
// Go run time has raised the soft limit to the hard one.
func (d *daemon) fitDescriptors(cfg *config.Config) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return
	}
	files := int(min(uint64(limit.Cur), 1<<30))
	need := cfg.TCP.Clients + ownDescriptors
	if files >= need {
		return
	}
	d.log(logging.Warning, "the limit of open files is %d, and %d may be needed: raise it (LimitNOFILE= of the service, ulimit -n)", files, need)
	said := cfg.TCP.Clients
	cfg.TCP.Clients = min(said, max(files/2, 1))
	for cfg.TCP.Clients > 1 && cfg.TCP.Clients+cfg.TCP.Waiting() > files/2 {
		cfg.TCP.Clients--
	}
	if cfg.TCP.Clients < said {
		d.log(logging.Warning, "tcp-clients %d is taken as %d: there are not enough open files", said, cfg.TCP.Clients)
	}
}
