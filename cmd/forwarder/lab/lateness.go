package lab

import "time"

// hops are the processes that have to be woken one after the other for one
// answer: forwarder, VPC resolver, forwarder, client.
const hops = 4

// Lateness is how much the machine itself, busy with other things, may add to
// what is measured.
type Lateness struct {
	end, ended chan struct{}
	worst      time.Duration
}

// WatchMachine sleeps a little again and again, and notes how late it wakes.
func WatchMachine() *Lateness {
	const nap = 5 * time.Millisecond
	l := &Lateness{end: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(l.ended)
		for {
			begun := time.Now()
			select {
			case <-time.After(nap):
				l.worst = max(l.worst, time.Since(begun)-nap)
			case <-l.end:
				return
			}
		}
	}()
	return l
}

// Allowance ends the watch and returns what a time may exceed its limit by.
func (l *Lateness) Allowance() time.Duration {
	close(l.end)
	<-l.ended
	return hops * l.worst
}
