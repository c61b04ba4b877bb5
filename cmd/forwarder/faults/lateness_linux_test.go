package faults

import "time"

// hops are the processes that have to be woken one after the other for one
// answer: forwarder, VPC resolver, forwarder, client.
const hops = 4

// mostLate is how much the machine may add before nothing can be said: packets
// are lost then that nobody had the time to read.
const mostLate = 500 * time.Millisecond

// lateness is how much the machine itself, busy with other things, may add to
// what is measured.
type lateness struct {
	end, ended chan struct{}
	worst      time.Duration
}

// watchMachine sleeps a little again and again, and notes how late it wakes.
func watchMachine() *lateness {
	const nap = 5 * time.Millisecond
	l := &lateness{end: make(chan struct{}), ended: make(chan struct{})}
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

// allowance ends the watch and returns what a time may exceed its limit by.
func (l *lateness) allowance() time.Duration {
	close(l.end)
	<-l.ended
	return hops * l.worst
}
