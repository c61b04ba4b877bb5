package dnstap

import (
	"net/netip"
	"time"

	pb "github.com/dnstap/golang-dnstap"
	"google.golang.org/protobuf/proto"
)

// encoder writes messages in dnstap's form. What it points to is used again for each.
type encoder struct {
	frame   pb.Dnstap
	message pb.Message
	zeroed  time.Time // when the clock of messages was 0, by the wall clock
	buf     []byte

	family            pb.SocketFamily
	protocol          pb.SocketProtocol
	kind              pb.Message_Type
	asker, answerer   [16]byte
	askPort, givePort uint32
	askedAt, givenAt  uint64
	askedNs, givenNs  uint32
}

var frameType = pb.Dnstap_MESSAGE

func newEncoder(identity, version string) *encoder {
	e := new(encoder)
	e.frame.Type, e.frame.Message = &frameType, &e.message
	if identity != "" {
		e.frame.Identity = []byte(identity)
	}
	if version != "" {
		e.frame.Version = []byte(version)
	}
	m := &e.message
	m.Type, m.SocketFamily, m.SocketProtocol = &e.kind, &e.family, &e.protocol
	return e
}

// encode returns m as the content of a frame, valid until the next call.
func (e *encoder) encode(m *Message) ([]byte, error) {
	e.kind = pb.Message_Type(m.Type)
	e.protocol = pb.SocketProtocol_UDP
	if m.TCP {
		e.protocol = pb.SocketProtocol_TCP
	}
	e.addresses(m)
	e.times(m)
	to := &e.message
	to.QueryMessage, to.ResponseMessage, to.QueryZone = m.Data, nil, nil
	if m.Type.IsResponse() {
		to.QueryMessage, to.ResponseMessage = nil, m.Data
	}
	if m.Zone != "" {
		to.QueryZone = []byte(m.Zone)
	}
	var err error
	e.buf, err = proto.MarshalOptions{}.MarshalAppend(e.buf[:0], &e.frame)
	return e.buf, err
}

func (e *encoder) addresses(m *Message) {
	e.family = pb.SocketFamily_INET6
	if m.Asker.Addr().Unmap().Is4() || m.Answerer.Addr().Unmap().Is4() {
		e.family = pb.SocketFamily_INET
	}
	to := &e.message
	to.QueryAddress, to.QueryPort = address(&e.asker, &e.askPort, m.Asker)
	to.ResponseAddress, to.ResponsePort = address(&e.answerer, &e.givePort, m.Answerer)
}

// address returns the parts of a, in buf and port; nil for one that is not known.
func address(buf *[16]byte, port *uint32, a netip.AddrPort) ([]byte, *uint32) {
	if !a.IsValid() {
		return nil, nil
	}
	*port = uint32(a.Port())
	if addr := a.Addr().Unmap(); addr.Is4() {
		four := addr.As4()
		return append(buf[:0], four[:]...), port
	}
	*buf = a.Addr().As16()
	return buf[:], port
}

func (e *encoder) times(m *Message) {
	to := &e.message
	to.QueryTimeSec, to.QueryTimeNsec = e.at(&e.askedAt, &e.askedNs, m.Asked)
	to.ResponseTimeSec, to.ResponseTimeNsec = e.at(&e.givenAt, &e.givenNs, m.Answered)
}

// at returns the parts of a time by the wall clock, in s and ns; nil for one that is
// not known.
func (e *encoder) at(s *uint64, ns *uint32, d time.Duration) (*uint64, *uint32) {
	if d == 0 {
		return nil, nil
	}
	t := e.zeroed.Add(d)
	*s, *ns = uint64(t.Unix()), uint32(t.Nanosecond())
	return s, ns
}
