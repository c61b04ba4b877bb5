// Package upstream asks DNS servers on behalf of a forwarder: it chooses the
// server, sends, tries again, falls back to TCP, and keeps to a budget of
// packets. It delivers what a server answered, in wire form, to a Handler.
//
// # Shape
//
// Start queues requests and Flush sends them with one batched send a socket.
// One goroutine a socket receives, and one goroutine, the clock, drives all
// deadlines from one timing wheel. There is no goroutine, timer or context for
// a request. All state lies under one mutex, which is never held over a send or
// a receive; it is held while a UDP socket is opened.
//
// # Which answers count
//
// A try is one query in flight. It stays registered on its socket until its
// request ends, so that a late answer to an earlier try still counts. An answer
// counts only from the connected peer, with an ID that is pending on the socket
// it came in on, and with that try's question (RFC 5452, 9.1). One without the
// cookie that was expected, or with another's, is asked for again over TCP (RFC
// 7873, 5.3). If that has it neither, the server is sent no cookies for a while: it
// is a cache that hands out others'.
//
// # EDNS
//
// A name that is answered only without EDNS is asked for so for ten minutes, and
// no other name is. After three such names in a row a server is asked so for a
// minute, unless it has ever shown an OPT. A FORMERR without a question counts
// only where nothing else is pending.
//
// # TCP
//
// Connections are kept, and queries pipelined on them, but no query depends on
// that: what waits beside others when a connection ends, is silent, or hangs in
// the middle of an answer is asked again on a connection of its own. A server that
// was seen to answer one query at a time, or one a connection, is asked so for ten
// minutes; one that seems to serve one connection at a time is kept no idle one. A
// new query does not stand behind those that have waited for a retry timeout.
// There are 64 connections to a server at most; who needs one more waits.
//
// # Clients
//
// What waits for budget is served one request of each client after the other; hot
// names, joined questions, and newer ones where there are too many, come first
// only among their own client's. Verification, prefetches and probes come after
// all. Who needs a place in flight takes it from the client that has most. A
// question that several clients wait for has the turn of the one that asks least.
//
// # Sources
//
// A server may be asked from several addresses (Config.Sources): each is a path with
// sockets, ports and a cookie of its own, as a cookie belongs to the client's address
// (RFC 7873). A path's packets are counted at its interface. Requests wait for all
// interfaces of a server together, in one budget: so turns, priorities and what is
// kept for some hold over all of them, and who has his turn takes from the interface
// with most packets left. Servers of which one has some of another's interfaces only
// have two budgets that take turns. A retry takes another path than the try before.
//
// A path is left out when there is no such address, when its packets are refused,
// when four requests in a row were answered on another path and not on this one, or
// when twenty tries in a row were not answered while others were. It is tried once a
// second, with a question that was just answered, and taken back by its first answer.
// What befalls one path says nothing of the server as long as there is another; what
// befalls the last one is the server's, and then all are tried.
//
// # Entropy
//
// Below about 1,600 tries a second each try has a socket on a random port of its
// own. Above, and when 1,024 such sockets are open, tries share 16 sockets a
// server, each for at most 8,192 queries and 10 s. An ID is never used twice on
// one socket.
//
// A blind forger must guess port and ID in either mode: with the 28,232 ports
// of Linux's default ephemeral range, log2(28232) + 16 = 30.8 bits. (Sharing
// does not make it easier: one of the open ports holds the try, and a question
// is pending once.) A forger who has found the open ports must guess
// 16 bits on a request's own port, and the ID and which of 16 ports, 20 bits, when
// they are shared.
//
// He has few guesses. Wrong answers are counted at the request, over all its
// ports: a port of its own says whose they are, on a shared one the question does.
// Three may be accidents; the fourth moves the question to a port that nobody
// knows, and a wrong answer there moves it to TCP: five guesses, so a chance of
// 5/2^16 = 2^-13.7 on own ports, and of 5/2^20 = 2^-17.7 on shared ones. Nobody
// else moves. In a second with more than a hundred wrong answers of a server none
// is taken for an accident: two guesses, 2^-15 and 2^-19, for each question that he
// tries. Where there is no TCP each further port has one guess more, and comes
// later than the one before: with at most 25 tries in a life 28/2^16 = 2^-11.2.
// Of fewer wrong answers, on two ports and without a right one in time, the next
// try goes over TCP too.
//
// # Retries
//
// The retry timeout is SRTT + max(4 RTTVAR, 50 ms) (RFC 6298, 2, with Unbound's
// floor), 376 ms for a server that was never heard. The second and third tries
// follow after half of it (two losses in a row say little about congestion, and
// the budget bounds them), the later ones after twice, four, eight and sixteen
// times, a second at most. At a round trip of nearly 0 that is after 0, 50, 75,
// 100, 200, 400 and 800 ms, and every 800 ms from then on.
//
// While packets are short a retry of a request that has shown no sign of life
// yields to the first tries of all that clients wait for. From the fourth try on
// such requests have a tenth of the budget together, and send from the port of an
// earlier try: ports are of first tries.
//
// A server that has answered nothing for two timeouts and four tries is down:
// requests then wait for a sign of life instead of retrying, and only their
// first try is sent, so that an outage never costs more packets than health did.
// If nothing else was sent for 200 ms, one waiting request is tried. The first
// answer brings the server up and all that wait are asked at once, within the
// budget.
//
// A refusal (ICMP) is such a silence that is known at once. A request is not
// failed by it, as a server that restarts answers within the same life. But once
// a server has refused for a second, without an answer in between, all that wait
// for it are told, and later ones as soon as their own first try is refused or
// not answered: their clients can turn to another forwarder.
//
// Of several servers the one with the lowest SRTT is asked; the others are
// probed with a copy of a live query, every second, every half second when
// down, so that exploring costs no client any time. A server that is down while
// nobody asks is heard by Probe.
package upstream
