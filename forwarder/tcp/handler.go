package tcp

import "time"

// Handler answers the messages of one connection. Its methods are called by the
// connection's own goroutine.
type Handler interface {
	// Begin starts a batch of messages, and returns the time on the server's
	// clock.
	Begin() time.Duration

	// Serve appends the response to msg to dst, if there is one by now.
	Serve(dst, msg []byte) ([]byte, Outcome)

	// End ends a batch: from here on Conn.Reply may be called for what waits.
	End()

	// IdleTimeout is how long the client may send nothing after its last message,
	// and take nothing of what it is sent.
	IdleTimeout() time.Duration
}

// Outcome is what became of a message.
type Outcome uint8

const (
	Replied Outcome = iota // a response was appended
	Refused                // there is none to send, and the connection ends
	Waiting                // Conn.Reply or Conn.Drop will be called once for it
)
