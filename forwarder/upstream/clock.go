package upstream

import "time"

// enter begins a locked section, with one reading of the clock.
func (c *Client) enter() {
	now := time.Since(c.epoch)
	c.mu.Lock()
	c.t = max(c.t, now) // another section may have read later and locked earlier
}

// leave ends a locked section: it unlocks, delivers, and does what the section
// left to do. A goroutine that may not deliver passes nil.
func (c *Client) leave(ended *[]delivery) {
	c.wake()
	if ended != nil {
		*ended, c.ended = c.ended, (*ended)[:0]
	}
	if len(c.events) > 0 || ended == nil && len(c.ended) > 0 {
		c.wakeClock()
	}
	w := c.takeWork()
	c.mu.Unlock()
	n := 0
	var unsound []delivery
	if ended != nil {
		n = len(*ended)
		unsound = c.deliver(*ended)
		clear((*ended)[len(unsound):])
	}
	if w != nil {
		w.do()
	}
	if n > 0 || w != nil {
		c.delivered(n-len(unsound), w)
	}
	if len(unsound) > 0 {
		c.enter()
		c.reopen(unsound)
		c.leave(ended)
	}
	if ended != nil && cap(*ended) > keptDeliveries {
		*ended = nil
	}
}

// keptDeliveries is room for as many as a batch of answers has, and more: who has had all
// that failed at once keeps no room for it.
const keptDeliveries = 256

// delivered notes n deliveries as made and takes back what w used.
func (c *Client) delivered(n int, w *work) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.putWork(w)
	c.live -= n
}

// delivery is a request that ended, and how.
type delivery struct {
	r    *Request
	msg  []byte
	err  error
	from origin // of msg
}

func (c *Client) wakeClock() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// clock rings alarms, delivers what Flush failed, and reports events.
func (c *Client) clock() {
	var ended []delivery
	var events []Event
	for {
		select {
		case <-c.wheel.timer.C:
		case <-c.kick:
		case <-c.done:
			c.shut(&ended)
			return
		}
		c.enter()
		c.wheel.advance(c)
		events, c.events = c.events, events[:0]
		c.leave(&ended)
		c.report(events)
	}
}

func (c *Client) report(events []Event) {
	if c.cfg.Event == nil {
		return
	}
	for _, e := range events {
		c.cfg.Event(e)
	}
}

// shut ends all requests and closes all sockets.
func (c *Client) shut(ended *[]delivery) {
	c.cancel()
	c.enter()
	for _, r := range c.starting {
		c.begin(r)
	}
	c.starting = nil
	for _, r := range c.wheel.requests() {
		c.finish(r, nil, ErrClosed)
	}
	for _, s := range c.list {
		c.shutServer(s)
	}
	c.wheel.timer.Stop()
	c.leave(ended)
}
