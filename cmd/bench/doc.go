// Bench compares the forwarder with its peers on one machine, for anybody to
// repeat:
//
//	go run ./cmd/bench                    all peers that are installed
//	go run ./cmd/bench -rounds 1 unbound  in short, beside one of them
//	go run ./cmd/bench -before PROGRAM    an earlier version too, in the same rounds
//	go run ./cmd/bench -from results.json tables and plot of an earlier run
//	go run ./cmd/bench observed           what it costs to be seen: logs, page, dnstap
//	go run ./cmd/bench sizing -h          what a load asks upstream, by simulation
//
// Each server runs on one core; the load, and an upstream that answers every
// question, run on another; nothing leaves loopback. All servers run at once,
// but only one is asked at a time, in interleaved rounds, so that what else the
// machine does hits all alike. Numbers of one run can be compared with one
// another, not with those of another run or machine.
//
// The echo is the floor: a small C program that reads a batch of datagrams, sets
// one bit and sends the batch back. It needs cc; the loads need dnsperf; the
// peers are those of Debian. What is not installed is left out.
//
// The cost of a query is the CPU time of the server, its own and the kernel's
// on its behalf, divided by the number of queries answered. It depends on the
// load less than latency or throughput do.
package main
