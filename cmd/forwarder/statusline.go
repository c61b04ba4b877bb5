package main

import (
	"fmt"
	"strings"
	"time"

	"vpcdns/forwarder/host"
)

// statusEvery is how often the line that systemctl status shows may change.
const statusEvery = time.Second

// statusTick returns a channel that says when to look, where anybody wants to know.
func (d *daemon) statusTick() (c <-chan time.Time, stop func()) {
	if !d.notify.managed() {
		return nil, func() {}
	}
	t := time.NewTicker(statusEvery)
	return t.C, t.Stop
}

// refreshStatus tells the service manager what has changed.
func (d *daemon) refreshStatus() {
	if line := d.summary(); line != d.told {
		d.told = line
		d.warn(d.notify.status(line))
	}
}

// readyStatus tells it that the server answers, and how it is.
func (d *daemon) readyStatus() {
	d.told = d.summary()
	d.warn(d.notify.ready(d.told))
}

// maxSaid is how many failing zones and troubles the line names.
const maxSaid = 3

// summary is the overview in a line.
func (d *daemon) summary() string {
	o := d.overview()
	return o.line()
}

func (o *overview) line() string {
	parts := []string{"serving no address"}
	if n := len(o.served); n > 0 {
		parts[0] = "serving " + host.Address(o.served[0])
		if n > 1 {
			parts[0] += fmt.Sprintf(" and %d more", n-1)
		}
	}
	if o.draining != nil {
		parts[0] += ", draining"
	}
	var wrong []string
	for _, t := range o.troubles {
		wrong = append(wrong, fmt.Sprintf("%s since %s", t.Text, o.clock(t.Since)))
	}
	for _, f := range o.failures {
		wrong = append(wrong, failureText(f)+" failed in the last minute")
	}
	if o.unloaded > 0 {
		wrong = append(wrong, fmt.Sprintf("%d primary zones cannot be loaded, see the log", o.unloaded))
	}
	if !o.reload.ok {
		wrong = append(wrong, "the last reload failed, see the log")
	}
	if more := len(wrong) - maxSaid; more > 0 {
		wrong = append(wrong[:maxSaid], fmt.Sprintf("%d more, see forwarder status", more))
	}
	if o.members != nil && o.members.notReady != "" {
		parts = append(parts, o.members.notReady)
	}
	if text := o.watch.overridesLine(); text != "" {
		parts = append(parts, text)
	}
	return strings.Join(append(parts, wrong...), "; ")
}
