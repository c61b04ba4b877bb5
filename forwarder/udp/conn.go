package udp

import (
	"net/netip"
	"os"
)

const (
	// BatchSize is the most datagrams that an In or an Out holds. It is also
	// the most segments that every kernel takes in one UDP_SEGMENT message
	// (UDP_MAX_SEGMENTS).
	BatchSize = 64

	// MaxQuery is the longest datagram, in bytes, that an In receives whole:
	// the most that RFC 6891, section 6.2.5, advises anyone to offer.
	MaxQuery = 4096

	// MaxReply is the least capacity, in bytes, of Out.Room: the largest
	// max-udp-size of BIND, and some slack for a writer that looks at the
	// size only after it has appended.
	MaxReply = 4096 + 512
)

// Conn is a bound socket. Its methods may be called concurrently, each call
// with an In or an Out of its own.
type Conn interface {
	// Serve receives: whenever datagrams have arrived it puts them in in, in
	// place of what that held, and calls batch, until batch returns false: then
	// it returns nil. The error is net.ErrClosed after Close and wraps
	// os.ErrDeadlineExceeded after StopReading, in both cases once batch has
	// returned; any other is not transient either.
	Serve(in *In, batch func() bool) error

	// WriteBatch sends the replies of out and empties it. Replies of one size
	// to one peer leave in the order of Add. A reply that cannot be sent is
	// counted in Stats and dropped: its client asks again. The error is about
	// the whole batch: net.ErrClosed after Close.
	WriteBatch(out *Out) error

	// LocalAddr returns the address that the socket is bound to.
	LocalAddr() netip.AddrPort

	// Stats returns the counters since the socket was opened.
	Stats() Stats

	// StopReading makes Serve return os.ErrDeadlineExceeded from now on, also
	// the call that waits. What was read can still be answered; what arrives
	// is left for another process that has the socket.
	StopReading()

	// File returns a duplicate of the socket, to hand over to another process;
	// the caller closes it. Both share one queue of datagrams until Close.
	File() (*os.File, error)

	// Shutdown ends the socket for all processes that have it. Close is still to
	// be called.
	Shutdown()

	// Close ends Serve, and may wait until its batch has returned. A second call returns net.ErrClosed.
	Close() error
}

// Options are the settings of a listening socket. The zero value is good for
// one socket on an address.
type Options struct {
	// ReusePort lets several sockets share one address: the kernel spreads
	// the clients over them (SO_REUSEPORT).
	ReusePort bool

	// RecvBuffer and SendBuffer are the sizes of the kernel's queues in bytes;
	// 0 means DefaultBuffer. Without CAP_NET_ADMIN the kernel caps them at
	// net.core.rmem_max and wmem_max, silently.
	RecvBuffer, SendBuffer int

	// NoSegment sends every reply as a message of its own, where the network
	// device mishandles UDP_SEGMENT.
	NoSegment bool
}

// DefaultBuffer is the size in bytes of a listening socket's queues: about
// 5,000 small datagrams, 25 ms at 200,000 queries/s.
const DefaultBuffer = 4 << 20

// Stats counts datagrams unless said otherwise.
type Stats struct {
	Received      uint64 // given to Serve's batch
	Sent          uint64 // handed to the kernel
	SendFailed    uint64 // refused by the kernel: unreachable, filtered, too long
	SendFull      uint64 // dropped as the send buffer stayed full
	Segmented     uint64 // of Sent, those that left in a UDP_SEGMENT message
	ReceiveFull   uint64 // dropped by the kernel as the receive buffer was full; 0 where it does not tell
	SegmentFailed uint64 // UDP_SEGMENT messages that were refused and sent again one by one
}
