// Package udp moves datagrams between a DNS server and the kernel in batches.
//
// A server receives batches with [Conn.Serve] in an [In], appends each reply to
// [Out.Room], and sends them all with [Conn.WriteBatch]. On Linux that is one
// recvmmsg(2) and one sendmmsg(2) a batch, and the replies of a batch that go
// to one client and have one size leave as a single UDP_SEGMENT message
// (udp(7)). Nothing is allocated once the batches exist. Other systems use
// one call a datagram.
//
// A [Socket] is the other direction: a connected socket on a random port from
// which upstream servers are asked.
package udp
