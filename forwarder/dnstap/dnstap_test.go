package dnstap

import (
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	pb "github.com/dnstap/golang-dnstap"
	"google.golang.org/protobuf/proto"
)

// began is when the clock of a test's messages was 0.
var began = time.Now()

func clock() time.Duration { return time.Since(began) }

// oneFile is a file that is emptied each time.
type oneFile string

func (f oneFile) Open(Keep) (*os.File, error) { return os.Create(string(f)) }
func (f oneFile) Path() string                { return string(f) }

var all = Of(ClientQuery, ClientResponse, ResolverQuery, ResolverResponse)

// query is a message with its number as its data.
func query(n int) *Message {
	return &Message{
		Type: ClientQuery, Asker: netip.MustParseAddrPort("10.0.0.1:5000"), Answerer: netip.MustParseAddrPort("10.0.0.2:53"),
		Asked: clock(), Data: []byte{byte(n >> 8), byte(n)},
	}
}

// frames reads messages until the stream ends.
func frames(t *testing.T, from io.Reader, o *pb.ReaderOptions) (list []*pb.Dnstap) {
	t.Helper()
	r, err := pb.NewReader(from, o)
	if err != nil {
		t.Errorf("reading: %v", err)
		return nil
	}
	buf := make([]byte, 1<<17)
	for {
		n, err := r.ReadFrame(buf)
		if err != nil {
			if err != io.EOF {
				t.Errorf("after %d frames: %v", len(list), err)
			}
			return list
		}
		frame := new(pb.Dnstap)
		if err := proto.Unmarshal(buf[:n], frame); err != nil {
			t.Errorf("frame %d: %v", len(list), err)
		}
		list = append(list, frame)
	}
}

func framesOf(t *testing.T, path string) []*pb.Dnstap {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return frames(t, f, nil)
}

// until waits for what a Stats says.
func until(t *testing.T, tap *Tap, what string, ok func(Stats) bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(tap.Stats()); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("Stats = %+v, want %s", tap.Stats(), what)
		}
	}
}

// What a message says is in its frame, and nothing else.
func TestFrames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tap")
	tap := New(clock)
	tap.Set(Options{Types: all, Files: oneFile(path), Identity: "me", Version: "v", Again: time.Second})
	four, six := netip.MustParseAddrPort("10.0.0.1:5000"), netip.MustParseAddrPort("[2001:db8::1]:53")
	now := clock()
	for _, m := range []Message{
		{Type: ClientQuery, Asker: four, Answerer: netip.MustParseAddrPort("[::ffff:10.0.0.2]:53"), Asked: now, Data: []byte("a")},
		{Type: ClientResponse, TCP: true, Asker: six, Answerer: six, Answered: now, Data: []byte("b")},
		{Type: ResolverResponse, Asker: netip.AddrPort{}, Answerer: four, Asked: now, Answered: now + 1, Zone: "\x01a\x00", Data: []byte("c")},
	} {
		tap.Put(&m)
	}
	tap.Close()
	list := framesOf(t, path)
	if len(list) != 3 {
		t.Fatalf("%d frames, want 3", len(list))
	}
	for i, want := range []*pb.Message{
		{Type: pb.Message_CLIENT_QUERY.Enum(), SocketFamily: pb.SocketFamily_INET.Enum(), SocketProtocol: pb.SocketProtocol_UDP.Enum(),
			QueryAddress: []byte{10, 0, 0, 1}, QueryPort: new(uint32(5000)), ResponseAddress: []byte{10, 0, 0, 2}, ResponsePort: new(uint32(53)), QueryMessage: []byte("a")},
		{Type: pb.Message_CLIENT_RESPONSE.Enum(), SocketFamily: pb.SocketFamily_INET6.Enum(), SocketProtocol: pb.SocketProtocol_TCP.Enum(),
			QueryAddress: six.Addr().AsSlice(), QueryPort: new(uint32(53)), ResponseAddress: six.Addr().AsSlice(), ResponsePort: new(uint32(53)), ResponseMessage: []byte("b")},
		{Type: pb.Message_RESOLVER_RESPONSE.Enum(), SocketFamily: pb.SocketFamily_INET.Enum(), SocketProtocol: pb.SocketProtocol_UDP.Enum(),
			ResponseAddress: []byte{10, 0, 0, 1}, ResponsePort: new(uint32(5000)), QueryZone: []byte("\x01a\x00"), ResponseMessage: []byte("c")},
	} {
		m := list[i].Message
		asked, answered := m.QueryTimeSec != nil, m.ResponseTimeSec != nil
		if asked != (i != 1) || answered != (i != 0) || (m.QueryTimeNsec != nil) != asked || (m.ResponseTimeNsec != nil) != answered {
			t.Errorf("message %d has times %v", i, m)
		}
		at := time.Unix(int64(m.GetQueryTimeSec()+m.GetResponseTimeSec()), 0)
		if i < 2 && (at.Before(began.Add(now-2*time.Second)) || at.After(time.Now())) {
			t.Errorf("message %d was seen at %v, want about %v", i, at, began.Add(now))
		}
		m.QueryTimeSec, m.QueryTimeNsec, m.ResponseTimeSec, m.ResponseTimeNsec = nil, nil, nil, nil
		if !proto.Equal(m, want) {
			t.Errorf("message %d = %v, want %v", i, m, want)
		}
		if string(list[i].Identity) != "me" || string(list[i].Version) != "v" {
			t.Errorf("identity and version = %q, %q", list[i].Identity, list[i].Version)
		}
	}
	if st := tap.Stats(); st.On || st.Written != 3 || st.Dropped != 0 || st.Opened != 1 {
		t.Errorf("Stats = %+v, want 3 written, and off", st)
	}
}

// What there is no room for is dropped, and counted: the queue does not grow.
func TestFullQueue(t *testing.T) {
	tap := New(clock)
	tap.Set(Options{Types: all, Socket: filepath.Join(t.TempDir(), "nobody"), Again: time.Hour})
	defer tap.Close()
	until(t, tap, "a failure", func(s Stats) bool { return s.Failed > 0 })
	const more = 100
	for n := range maxMessages + more {
		tap.Put(query(n))
	}
	if st := tap.Stats(); st.Waiting != maxMessages || st.Dropped != more {
		t.Errorf("%d wait, %d were dropped, want %d, %d", st.Waiting, st.Dropped, maxMessages, more)
	}
	tap.Close()
	if st := tap.Stats(); st.Waiting != 0 || st.Dropped != maxMessages+more {
		t.Errorf("off: %d wait, %d were dropped, want 0, %d", st.Waiting, st.Dropped, maxMessages+more)
	}
	large := query(0)
	large.Data = make([]byte, 60<<10)
	tap.Set(Options{Types: all, Socket: filepath.Join(t.TempDir(), "nobody"), Again: time.Hour})
	for range maxOctets/len(large.Data) + more {
		tap.Put(large)
	}
	if st := tap.Stats(); st.Waiting != maxOctets/len(large.Data) {
		t.Errorf("%d messages of %d octets wait, want %d", st.Waiting, len(large.Data), maxOctets/len(large.Data))
	}
}

// Taking a message allocates nothing.
func TestPutAllocatesNothing(t *testing.T) {
	tap := New(clock)
	tap.Set(Options{Types: all, Files: oneFile(os.DevNull), Again: time.Second})
	defer tap.Close()
	m := query(1)
	if n := testing.AllocsPerRun(1000, func() { tap.Put(m) }); n >= 1 {
		t.Errorf("Put allocates %v times, want 0", n)
	}
}

func BenchmarkPut(b *testing.B) {
	tap := New(clock)
	tap.Set(Options{Types: all, Files: oneFile(os.DevNull), Again: time.Second})
	defer tap.Close()
	m := query(1)
	m.Data = make([]byte, 80)
	b.ReportAllocs()
	for b.Loop() {
		tap.Put(m)
	}
	st := tap.Stats()
	b.ReportMetric(100*float64(st.Dropped)/float64(b.N), "%dropped")
}

func BenchmarkEncode(b *testing.B) {
	e := newEncoder("host.example", "forwarder 1.0.0")
	m := query(1)
	m.Data = make([]byte, 80)
	b.ReportAllocs()
	for b.Loop() {
		e.encode(m)
	}
}

// reader is one at a unix socket: what it does with a connection.
type reader func(t *testing.T, conn net.Conn)

// well reads messages into a channel until the tap ends.
func well(to chan<- int) reader {
	return func(t *testing.T, conn net.Conn) {
		to <- len(frames(t, conn, &pb.ReaderOptions{Bidirectional: true}))
	}
}

// serve lets readers have the connections that come, one after the other.
func serve(t *testing.T, path string, readers ...reader) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for _, r := range readers {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			r(t, conn)
			conn.Close()
		}
	}()
}

// hostile are readers that do not as they should.
var hostile = map[string]reader{
	"closes at once": func(*testing.T, net.Conn) {},
	"garbage": func(_ *testing.T, c net.Conn) {
		c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
		io.Copy(io.Discard, c)
	},
	"a long control frame": func(_ *testing.T, c net.Conn) {
		c.Write([]byte{0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
		io.Copy(io.Discard, c)
	},
	"an empty control frame": func(_ *testing.T, c net.Conn) { c.Write(make([]byte, 8)); io.Copy(io.Discard, c) },
	"FINISH for ACCEPT": func(_ *testing.T, c net.Conn) {
		c.Write([]byte{0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 5})
		io.Copy(io.Discard, c)
	},
	"another content type": func(_ *testing.T, c net.Conn) {
		c.Write([]byte("\x00\x00\x00\x00\x00\x00\x00\x0d\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01x"))
		io.Copy(io.Discard, c)
	},
	"says nothing": func(_ *testing.T, c net.Conn) { io.Copy(io.Discard, c) },
	"closes after the handshake": func(t *testing.T, c net.Conn) {
		if _, err := pb.NewReader(c, &pb.ReaderOptions{Bidirectional: true}); err != nil {
			t.Error(err)
		}
	},
	"garbage after the handshake": func(t *testing.T, c net.Conn) {
		pb.NewReader(c, &pb.ReaderOptions{Bidirectional: true})
		c.Write([]byte("garbage garbage"))
		io.Copy(io.Discard, c)
	},
}

// A reader that misbehaves is left, and the next one has what comes then.
func TestHostileReaders(t *testing.T) {
	for name, bad := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "s")
			got := make(chan int, 1)
			serve(t, path, bad, well(got))
			tap := New(clock)
			tap.Set(Options{Types: all, Socket: path, Again: 10 * time.Millisecond})
			until(t, tap, "a failure, and that it works again", func(s Stats) bool { return s.Failed > 0 && s.Opened > 0 && s.Up })
			tap.Put(query(1))
			until(t, tap, "a message written", func(s Stats) bool { return s.Written+s.Dropped > 0 })
			tap.Close()
			if n := <-got; n != 1 {
				t.Errorf("the next reader got %d messages, want 1", n)
			}
		})
	}
}

// A reader that reads nothing costs what it could have read, and neither whoever has
// messages, nor the end, waits for it.
func TestReaderThatHangs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	gone := make(chan struct{})
	serve(t, path, func(_ *testing.T, c net.Conn) {
		pb.NewReader(c, &pb.ReaderOptions{Bidirectional: true})
		<-gone
	})
	defer close(gone)
	tap := New(clock)
	tap.Set(Options{Types: all, Socket: path, Again: time.Second})
	until(t, tap, "a connection", func(s Stats) bool { return s.Opened == 1 })
	m := query(1)
	m.Data = make([]byte, 1000)
	for tap.Stats().Dropped == 0 {
		tap.Put(m)
	}
	begun := time.Now()
	tap.Close()
	if d := time.Since(begun); d > writeTimeout {
		t.Errorf("the end took %v", d)
	}
}
