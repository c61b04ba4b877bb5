// Forwarder is a DNS forwarder that takes the place of BIND's named: it reads
// the same named.conf, takes the same flags and signals, and answers the same.
//
//	forwarder -c /etc/named.conf          serve in the background, as named does
//	forwarder -f -c /etc/named.conf       serve in the foreground
//	forwarder -g --listen 127.0.0.1#5353  try /etc/named.conf while named runs: logs to stderr only
//	forwarder --check-config [-p] [FILE]  check a file, as named-checkconf -z does
//	forwarder migrate-check [FILE]        tell what changes on this machine, and what to do
//	forwarder --options [NAME]            say what becomes of the options of named.conf
//	forwarder --demo                      play with a failover, without root or network
//
// # Flags
//
// forwarder --help lists them. What named has a letter for has the same letter
// here. Letters of named that mean nothing to a forwarder (-D -E -M -m -N -s -S
// -T -U -X -x) are accepted with a warning; those that ask for what is not done
// here (-A, -C, -F, -t) are refused.
//
// --listen serves one address in place of those of listen-on and listen-on-v6,
// and writes no pid-file. With -g, which opens no log file, a configuration can
// so be tried while named, or another forwarder, goes on serving it.
//
// # Verbs
//
// With a verb as its first argument forwarder is another program. Each lists its
// flags with --help.
//
// # Control commands
//
// rndc, BIND's or forwarder rndc, gives them to a running server.
//
// # Watched names
//
// Names whose failovers count are watched: --watch, or rndc watch NAME. Their answers
// are kept for the TTL of upstream and handed out with that of --watch-ttl, so that who
// asks again learns of a change at once. Data that such a name had before a change is
// refused while the change spreads (a guard): for twice its TTL, and 120 seconds at
// most. rndc watch show NAME tells what is known of one, and until when clients may
// hold which data; rndc history tells of the latest changes of all names.
//
// rndc override add NAME TYPE DATA gives clients other data than upstream does, from the
// next query on and in every answer where the name occurs, marked with extended error
// 4. It ends when upstream has agreed for twice the old TTL, when upstream steadily says
// a third thing, when its time is over (for 1h; a day at most), or by override delete,
// and the log says which, at warning, as it says who set it. Only names below a forward
// zone of their own may be overridden, not those that go to the global forwarders, and
// those of --override-zone. A key of controls that --control-key limits to override may
// do this and nothing else; a read-only channel may look. With a lease, a token, an
// override ends after 10 seconds unless override confirm NAME TOKEN is said; override
// withdraw NAME TOKEN ends it at once.
//
// rndc verify NAME TYPE DATA has upstream asked once a second until it has given this
// data, and nothing else, for as long as old data may live in caches. It judges
// upstream, never an override.
//
// Where a zone has a wildcard *.now.NAME (--probe-label) beside a watched name, with the
// same data, it is asked for a fresh label once a second: no cache has that.
//
// All this is kept over restarts in --state-file, which only the server's user can
// read. One that is broken is renamed to end in .broken; of one that is broken in part,
// or holds what only a later version knows, all else is taken, and a copy ends in
// .broken. The log says which, and nothing is written until that is done.
//
// A fleet of forwarders has a name with the addresses of all. With --member that name, a
// newcomer asks the others' control channels for overrides, watches and guards as it
// starts, with the first key of its own controls that --control-key does not keep from
// watch, or the one that rndc finds. It answers queries meanwhile; /readyz says "fetching
// overrides from members" until each has answered or failed, 5 seconds at most. For 5
// minutes it asks again every 2 seconds, since who commands the fleet may not have found
// it yet; after that members share nothing. Of two overrides the later control time wins,
// what was deleted or withdrawn at a member is not taken from another, and clocks may
// differ by 5 minutes. forwarder status says who answered, and what was taken over.
//
// With --peer, the address of the other forwarder of a pair, that one is asked once a
// second, over UDP and without recursion, what it gives of watched and overridden names:
// a hundred questions at most. It may be a BIND; its allow-query and allow-query-cache
// have to let this forwarder ask. What it has not cached is not compared. The two
// disagree once a difference lasts longer than TTLs explain, or for 2 seconds where both
// watch the name. forwarder status, the status page, the metrics and the log say so, and
// since when it does not answer. What a peer asks stands in no ledger.
//
// # Checking
//
// --check-config prints errors, then changes, which clients or operators notice,
// each as file:line:col: message, then how many options have no effect, and at last
// what would be served on this host and where names would be forwarded. -p prints
// the file as it is understood, alone on stdout. The letters are those of
// named-checkconf: -x hides secrets, -t DIRECTORY becomes the root directory, -z is
// always done, -i and -j change nothing, -l is refused. But -v lists what has no
// effect too, and -c names the file. The flags in /etc/sysconfig/named and
// /etc/sysconfig/forwarder are checked with it, and what the user of the service,
// named or that of -u, may read and write: by owners and modes, not by access
// control lists.
//
// # Options of named.conf
//
// Each is honoured; ignored, as nobody notices; missed: ignored as well, but somebody
// does; or refused with an error. --options prints all of them, a line each: where
// it may stand, what may follow it, what becomes of it here, and why. With a NAME it
// prints the lines of that option, of which there are several where it means another
// thing in another block.
//
// # Signals
//
//	SIGHUP           reload the configuration and reopen the log files; a file
//	                 with errors changes nothing, and the log says what is wrong
//	SIGUSR2          start the program that is on disk now, with the same flags
//	                 and our sockets, and exit when it serves; when it does not
//	                 start the log says why, and nothing has changed
//	                 (a service manager restarts instead, and loses nothing)
//	SIGTERM, SIGINT  answer what was asked, then exit with status 0; a second
//	                 one ends the process at once
//	SIGUSR1          ignored
//
// forwarder reload PID does what SIGHUP does, waits, and ends with the status of
// the reload, and with what is wrong on stderr: the server keeps what it had, or
// serves in part. It takes root, or the user of the server, and no key. A reload
// by systemctl is this.
//
// # Exit status
//
//	0   a clean end, a file without errors, or, without -f and -g, a server that
//	    answers in the background
//	1   anything that has no status of its own. As in BIND, --check-config ends
//	    with it for errors in the file; --options for an option that is unknown
//	64  wrong flags
//	69  no address can be served, since the port is taken; the log says by whom.
//	    After a reload: the configuration is in force, some of its addresses are
//	    not served
//	78  errors in the configuration: it is not served
//
// The last three have their names from sysexits.h: USAGE, UNAVAILABLE, CONFIG. With
// 64 and 78 forwarder.service is not started again until something is mended.
//
// # Files
//
//	/etc/named.conf                  the configuration, and what it includes
//	/usr/share/forwarder/named.conf  one to begin with
//	/etc/sysconfig/forwarder         flags of forwarder.service; those of
//	                                 /etc/sysconfig/named hold too
//	/run/named/named.pid             the number of the process
//	/var/log/named                   where the configuration puts its log files
//	/var/lib/forwarder/state         overrides, watched names and history, unless
//	                                 --state-file names another
//
// # Root
//
// Only binding port 53 needs a privilege, CAP_NET_BIND_SERVICE. A service
// manager can grant it to an ordinary user, as forwarder.service does; that is
// the best way. Started by root with -u USER, the process makes the missing
// directories of its logs and of its pid file, becomes USER keeping that one
// capability, and executes itself anew. So it never holds a socket or sees a
// packet as root, and it can bind addresses that appear later. The
// configuration must be readable by USER.
//
// # Service managers
//
// Readiness, reloads, the end and a line of status are told as sd_notify(3) says.
//
// Where WatchdogSec= is set the server asks itself a question over UDP and one
// over TCP, four times in each interval, and says that it is alive when both are
// answered. Neither a dead upstream nor more queries than can be answered keeps
// it from saying so.
//
// Where FileDescriptorStoreMax= is set the sockets are left with the service
// manager: what arrives between the end of one process, however it ends, and
// the start of the next waits in their queues. At 1000 queries/s the queues of
// a Linux system as it comes (net.core.rmem_max 212992) hold half a second or
// more, those of one with 4 MiB ten seconds. Upstream then has a quarter of a
// second for what is being asked when SIGTERM comes; who is not answered by then
// gets SERVFAIL with extended error 14, and can ask again at once.
//
// A configuration with errors ends the start for good, and systemctl --failed shows
// it; forwarder mend, which forwarder-mend.service runs then, has systemd watch the
// configuration, all that it includes, and /etc/sysconfig/forwarder: whatever
// changes there starts the service again. It never reloads one that runs, and what
// was stopped stays so.
//
// forwarder replace-named starts forwarder.service in the place of named.service, at
// boot too, and gives it that name as an alias: systemctl restart named, out of
// habit, is about the forwarder then. When it does not start, named runs again.
// forwarder replace-named --undo is the way back.
//
// # Metrics
//
// At --metrics-address, /metrics is for Prometheus. /healthz and /readyz, there and
// at --health-address, which has nothing else, are for a load balancer. /healthz has
// status 200 while queries are answered, and 503 from SIGTERM on. /readyz has 503 also
// while an address is not served, and from forwarder rndc drain on: then a balancer asks
// elsewhere, all queries are answered still, and the service can be stopped as soon as
// none come any more. Both say why. When
// such an address cannot be had the log says so, DNS goes on, and the address is
// tried again every second.
//
// At / of --metrics-address is the status page, unless --status-page=false, and at
// /api/v1/status its JSON: who answers what, since when, and who may still hold an old
// address. Both are to be read only, by a Host that is an address, localhost or this
// machine's name; clients are shown by address with --status-clients only. A hundred may
// look at once. From elsewhere: ssh -L 9153:127.0.0.1:9153 HOST. --pprof adds
// /debug/pprof/.
//
// # Memory
//
// Unless GOMEMLIMIT is set, the memory limit of the Go run time is max-cache-size,
// a quarter of it and 128 MiB for the rest, but at most 15/16 of the memory: so a
// full cache is not doubled by garbage.
package main
