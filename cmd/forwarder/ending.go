package main

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"vpcdns/forwarder/logging"
)

// obey does what a signal asks for, and reports whether the server ends.
func (d *daemon) obey(s os.Signal, stop func()) (ends bool) {
	switch s {
	case syscall.SIGHUP:
		d.log(logging.Info, "received SIGHUP, reloading")
		_ = d.reload() // it logs its errors
		return false
	case syscall.SIGUSR2:
		if !d.takeOver() {
			return false
		}
		d.finishing()
		d.control.leave()
		d.server.HandOver(successorTimeout)
		return true
	}
	d.finishing()
	d.control.leave()
	d.stopping(s)
	if d.notify.managed() {
		d.server.HandOver(restartTimeout)
	} else {
		stop()
	}
	return true
}

// leave ends the process after its server, which ended with err.
func (d *daemon) leave(err error) error {
	if err == nil {
		d.leaveCache()
	}
	return err
}

// retract undoes what announce left behind.
func (d *daemon) retract() {
	if d.config.PidFile != "" {
		d.warn(removePid(d.config.PidFile))
	}
	d.log(logging.Notice, "exiting")
}

// finishing lets the next signal end the process.
func (d *daemon) finishing() {
	d.ending.Store(true)
	signal.Reset(syscall.SIGTERM, syscall.SIGINT)
}

func (d *daemon) stopping(s os.Signal) {
	d.log(logging.Info, "received %s, finishing what was asked", signalName(s))
	d.warn(d.notify.stopping("finishing what was asked"))
}

// signalName is SIGTERM where a Signal says "terminated".
func signalName(s os.Signal) string {
	if n, ok := s.(syscall.Signal); ok {
		return unix.SignalName(n)
	}
	return s.String()
}
