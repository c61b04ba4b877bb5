package udp

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

var (
	memAddr = netip.MustParseAddrPort("10.79.1.10:53")
	client  = netip.MustParseAddrPort("192.0.2.1:1053")
	other   = netip.MustParseAddrPort("[2001:db8::1]:1053")
)

// serve echoes datagrams until c is closed, those that start with '-' never.
func serve(c Conn) error {
	in, out := NewIn(), NewOut()
	return c.Serve(in, func() bool {
		for i := range in.Len() {
			echo(in, out, i)
		}
		c.WriteBatch(out) // Serve has the same error
		return true
	})
}

// readBatch is a Serve that ends with the first batch.
func readBatch(c Conn, in *In) (int, error) {
	err := c.Serve(in, func() bool { return false })
	return in.Len(), err
}

func echo(in *In, out *Out, i int) {
	if data := in.Data(i); len(data) == 0 || data[0] != '-' {
		out.Add(append(out.Room(), data...), in.Peer(i))
	}
}

func TestMemExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMem(memAddr)
		go serve(m)
		defer m.Close()
		for _, msg := range []string{"one", "two"} {
			if got := m.Exchange(client, []byte(msg)); string(got) != msg {
				t.Errorf("Exchange(%q) = %q, want the same", msg, got)
			}
		}
		if got := m.Sent(); len(got) != 0 {
			t.Errorf("Sent() = %v, want nothing that Exchange took", got)
		}
	})
}

func TestMemInject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMem(memAddr)
		go serve(m)
		defer m.Close()
		m.Inject(client, []byte("one"))
		m.Inject(client, []byte("-dropped"))
		m.Inject(other, []byte("two"))
		synctest.Wait()
		got := m.Sent()
		if len(got) != 2 || got[0].Peer != client || string(got[1].Data) != "two" || got[1].Peer != other {
			t.Errorf("Sent() = %v, want one to %v and two to %v", got, client, other)
		}
		if again := m.Sent(); len(again) != 0 {
			t.Errorf("Sent() again = %v, want nothing", again)
		}
		if s := m.Stats(); s.Received != 3 || s.Sent != 2 {
			t.Errorf("Stats() = %+v, want 3 received, 2 sent", s)
		}
	})
}

func TestMemBatch(t *testing.T) {
	m, in := NewMem(memAddr), NewIn()
	for range BatchSize + 1 {
		m.Inject(client, []byte("x"))
	}
	for _, want := range []int{BatchSize, 1} {
		if n, err := readBatch(m, in); n != want || err != nil {
			t.Errorf("Serve() received %d, %v, want %d", n, err, want)
		}
	}
}

func TestMemTruncates(t *testing.T) {
	m, in := NewMem(memAddr), NewIn()
	m.Inject(client, bytes.Repeat([]byte("x"), MaxQuery))
	m.Inject(client, bytes.Repeat([]byte("x"), MaxQuery+1))
	readBatch(m, in)
	for i, want := range []bool{false, true} {
		if got := in.Truncated(i); got != want || len(in.Data(i)) != MaxQuery {
			t.Errorf("Truncated(%d) = %v with %d bytes, want %v with %d", i, got, len(in.Data(i)), want, MaxQuery)
		}
	}
}

// TestMemClose closes the Mem while a reader and an Exchange wait.
func TestMemClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMem(memAddr)
		served, exchanged := make(chan error, 1), make(chan []byte, 1)
		go func() { served <- serve(m) }()
		go func() { exchanged <- m.Exchange(client, []byte("-unanswered")) }()
		time.Sleep(time.Second) // of the bubble
		if err := m.Close(); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
		if err := <-served; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Serve() = %v, want net.ErrClosed", err)
		}
		if got := <-exchanged; got != nil {
			t.Errorf("Exchange() = %q, want nil", got)
		}
		if err := m.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("second Close() = %v, want net.ErrClosed", err)
		}
		if err := m.WriteBatch(NewOut()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("WriteBatch() after Close = %v, want net.ErrClosed", err)
		}
	})
}
