package lab

import (
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

// client is one stub resolver.
type client struct {
	*run
	conns []*net.UDPConn // by server

	mu      sync.Mutex
	waiting map[uint16]*query // by ID
	last    uint16
}

// query is one that a client waits for.
type query struct {
	Answer
	packet []byte
	again  *time.Timer
}

func newQuery(name string) *query {
	packet, err := new(dns.Msg).SetQuestion(name, dns.TypeA).SetEdns0(1232, false).Pack()
	if err != nil {
		panic(err) // no name of a test
	}
	return &query{packet: packet, Answer: Answer{Name: name, Sent: time.Now(), Rcode: -1, EDE: -1}}
}

// ask leaves the query unanswered when all IDs are in use.
func (c *client) ask(q *query) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id, ok := c.freeID()
	if !ok {
		c.end(q)
		return
	}
	binary.BigEndian.PutUint16(q.packet, id)
	c.waiting[id] = q
	c.try(id, q)
}

func (c *client) freeID() (id uint16, ok bool) {
	for range 1 << 16 {
		c.last++
		if c.waiting[c.last] == nil {
			return c.last, true
		}
	}
	return 0, false
}

// try asks the next server, or gives up. It needs mu.
func (c *client) try(id uint16, q *query) {
	if q.Tries == c.Load.Tries {
		delete(c.waiting, id)
		c.end(q)
		return
	}
	conn, number := c.conns[q.Tries%len(c.conns)], q.Tries+1
	q.Tries = number
	q.again = time.AfterFunc(c.Timeout, func() { c.retry(id, q, number) })
	if _, err := conn.Write(q.packet); err != nil {
		_, _ = conn.Write(q.packet) // the error was an earlier packet's
	}
}

// retry follows try of that number, unless something else has.
func (c *client) retry(id uint16, q *query, number int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting[id] == q && q.Tries == number {
		c.try(id, q)
	}
}

// end needs mu, except for q.Answer.
func (c *client) end(q *query) {
	q.Took = time.Since(q.Sent)
	if c.Each != nil {
		c.Each(q.Answer)
	}
	c.pending.Done()
}

// read receives what comes from the server with that number, until its socket is
// closed.
func (c *client) read(server int) {
	buf := make([]byte, dns.MaxMsgSize)
	for {
		n, err := c.conns[server].Read(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case errors.Is(err, unix.ECONNREFUSED):
			c.refused(server)
		case err == nil:
			c.receive(buf[:n])
		}
	}
}

// refused tries the next server for all that wait for this one.
func (c *client) refused(server int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, q := range c.waiting {
		if (q.Tries-1)%len(c.conns) == server {
			q.again.Stop()
			c.try(id, q)
		}
	}
}

func (c *client) receive(packet []byte) {
	reply := new(dns.Msg)
	if reply.Unpack(packet) != nil || len(reply.Question) != 1 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.waiting[reply.Id]
	if q == nil || reply.Question[0].Name != q.Name {
		return
	}
	q.again.Stop()
	delete(c.waiting, reply.Id)
	q.fill(reply)
	c.end(q)
}
