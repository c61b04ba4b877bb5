package tcp

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// repeater answers each message with times octets.
type repeater struct{ times int }

func (r repeater) Begin() time.Duration { return time.Second }
func (r repeater) End()                 {}

func (r repeater) Serve(dst, _ []byte) ([]byte, Outcome) {
	return append(dst, make([]byte, r.times)...), Replied
}

func (r repeater) IdleTimeout() time.Duration { return time.Minute }

// served is a connection that a repeater answers, and its client's end.
func served(t *testing.T, times int) (*Conn, net.Conn) {
	t.Helper()
	var c *Conn
	s := New(Config{
		NewHandler: func(conn *Conn) Handler { c = conn; return repeater{times} },
		Clock:      func() time.Duration { return time.Second },
		Limits:     func() Limits { return Limits{Clients: 1, InitialTimeout: time.Minute} },
	})
	here, there := net.Pipe()
	s.admit(connFrom{there, netip.MustParseAddrPort("10.0.0.1:5000")})
	t.Cleanup(func() {
		here.Close()
		s.Shutdown(time.Second)
	})
	return c, here
}

// announced is a message's length and its first octets.
func announced(length, octets int) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(length)), make([]byte, octets)...)
}

// The read buffer follows what has come of a message, not what was announced.
func TestReadBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const long = 60_000
		c, client := served(t, 0)
		send := func(b []byte, want int) {
			t.Helper()
			client.Write(b)
			synctest.Wait()
			if len(c.buf) != want {
				t.Errorf("the read buffer has %d octets, want %d", len(c.buf), want)
			}
		}
		send(announced(long, 10), ReadBuffer)
		send(make([]byte, ReadBuffer-12), 2*ReadBuffer)
		send(make([]byte, ReadBuffer-1), 2*ReadBuffer)
		send(make([]byte, 1), 4*ReadBuffer)
		send(make([]byte, long-2*ReadBuffer), 2+long)
		send(make([]byte, 2), ReadBuffer) // the last of it
		send(append(announced(5, 5), announced(ReadBuffer, 3)...), ReadBuffer)
		send(make([]byte, ReadBuffer-5), 2+ReadBuffer)
		send(make([]byte, 2), ReadBuffer)
	})
}

// What a client was once sent does not cost memory for as long as it stays.
func TestReplyBuffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const large = 50_000
		c, client := served(t, large)
		for range 10 {
			client.Write(announced(1, 1))
			reply := make([]byte, 2+large)
			for have := 0; have < len(reply); {
				n, err := client.Read(reply[have:])
				if have += n; err != nil {
					t.Fatal(err)
				}
			}
		}
		synctest.Wait()
		if n := cap(c.pending) + cap(c.spare); n > 2*keptBuffer {
			t.Errorf("%d octets are kept for replies, want %d at most", n, 2*keptBuffer)
		}
	})
}
