package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// notifier tells the service manager about our state, as sd_notify(3). Without
// a service manager it does nothing.
type notifier struct {
	socket   string        // "" without a service manager
	watchdog time.Duration // how often it wants to hear from us, 0: never
}

// newNotifier reads what the service manager put into the environment.
func newNotifier(getenv func(string) string) notifier {
	n := notifier{socket: getenv("NOTIFY_SOCKET")}
	usec, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64)
	pid := getenv("WATCHDOG_PID")
	if err == nil && usec > 0 && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		n.watchdog = time.Duration(usec) * time.Microsecond
	}
	return n
}

// send passes on assignments such as READY=1, one a line.
func (n notifier) send(state string) error {
	if n.socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("notifying the service manager: %w", err)
	}
	_, err = conn.Write([]byte(state))
	return errors.Join(err, conn.Close())
}

func (n notifier) ready(status string) error    { return n.send("READY=1\nSTATUS=" + status) }
func (n notifier) stopping(status string) error { return n.send("STOPPING=1\nSTATUS=" + status) }
func (n notifier) failed(err error) error {
	return n.send("STATUS=" + strings.ReplaceAll(err.Error(), "\n", " "))
}
func (n notifier) alive() error { return n.send("WATCHDOG=1") }

// reloading carries the time because the manager ties the READY=1 that follows
// to it (Type=notify-reload).
func (n notifier) reloading() error {
	return n.send(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d\nSTATUS=reloading", monotonic().Microseconds()))
}

// ticks comes twice in each interval of the watchdog, as sd_watchdog_enabled(3)
// advises; without a watchdog it is nil and never comes.
func (n notifier) ticks() (c <-chan time.Time, stop func()) {
	if n.watchdog == 0 {
		return nil, func() {}
	}
	t := time.NewTicker(n.watchdog / 2)
	return t.C, t.Stop
}
