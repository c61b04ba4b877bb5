package dnstap

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"sync"
	"time"

	framestream "github.com/farsightsec/golang-framestream"
)

const (
	// shakeTimeout is how long a reader may take for the handshake.
	shakeTimeout = 5 * time.Second

	// writeTimeout is how long it may take for a chunk: one that is slower hangs.
	writeTimeout = 10 * time.Second

	// finishTimeout is how long it may take at the end.
	finishTimeout = time.Second
)

// socket is an output to a reader at a unix socket: the client's side of a
// bidirectional frame stream.
type socket struct {
	conn net.Conn
	wg   sync.WaitGroup
	gone chan struct{} // closed when the reader has nothing more to say
	why  error         // set before that
	cut  error         // why the rest of a frame could not be written

	stop func() bool // lets go of the context
	last *time.Timer // closes the connection a while after that has ended
}

var errClosed = errors.New("the reader has closed the connection")

func connect(ctx context.Context, path string) (*socket, error) {
	d := net.Dialer{Timeout: shakeTimeout}
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("connecting to the reader: %w", err)
	}
	o := &socket{conn: conn, gone: make(chan struct{})}
	o.last = time.AfterFunc(math.MaxInt64, func() { conn.Close() })
	o.stop = context.AfterFunc(ctx, func() { o.last.Reset(finishTimeout) })
	if err := o.shake(); err != nil {
		o.shut()
		return nil, fmt.Errorf("shaking hands with the reader: %w", err)
	}
	o.wg.Go(o.listen)
	return o, nil
}

// shake says what is sent, and hears that it is wanted. A deadline for all of it
// stands against a reader that says a little now and then.
func (o *socket) shake() error {
	o.conn.SetDeadline(time.Now().Add(shakeTimeout))
	_, err := framestream.NewWriter(o.conn, &framestream.WriterOptions{ContentTypes: [][]byte{contentType}, Bidirectional: true})
	o.conn.SetDeadline(time.Time{})
	return err
}

// listen hears the one thing that a reader says from now on: FINISH.
func (o *socket) listen() {
	defer close(o.gone)
	var finish framestream.ControlFrame
	o.why = errClosed
	if err := finish.DecodeTypeEscape(bufio.NewReader(o.conn), framestream.CONTROL_FINISH); errors.Is(err, framestream.ErrDecode) {
		o.why = fmt.Errorf("the reader says what is no frame stream: %w", err)
	}
}

func (o *socket) write(frames []byte) error {
	o.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := o.conn.Write(frames); err != nil {
		o.cut = fmt.Errorf("writing messages: %w", err)
	}
	return o.cut
}

func (o *socket) room() int64 { return math.MaxInt64 }

func (o *socket) lost() error {
	select {
	case <-o.gone:
		return o.why
	default:
		return o.cut
	}
}

func (o *socket) over() <-chan struct{} { return o.gone }

// close lets the reader have all that was written.
func (o *socket) close() {
	o.conn.SetDeadline(time.Now().Add(finishTimeout))
	if o.lost() == nil {
		o.conn.Write(control(framestream.ControlStop))
		<-o.gone
	}
	o.shut()
	o.wg.Wait()
}

func (o *socket) shut() {
	o.stop()
	o.last.Stop()
	o.conn.Close()
}
