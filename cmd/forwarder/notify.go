package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
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

// managed reports whether there is a service manager.
func (n notifier) managed() bool { return n.socket != "" }

// notifyTimeout is how long a service manager may take to make room for what
// we have to say.
const notifyTimeout = 2 * time.Second

// send passes on assignments such as READY=1, one a line, and descriptors.
func (n notifier) send(state string, files ...*os.File) error {
	if !n.managed() {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("notifying the service manager: %w", err)
	}
	defer conn.Close()
	conn.SetWriteDeadline(time.Now().Add(notifyTimeout))
	if err := sendMessage(conn, []byte(state), rights(files)); err != nil {
		return fmt.Errorf("notifying the service manager: %w", err)
	}
	return nil
}

// sendMessage is the WriteMsgUnix that net does not have for sockets that are
// connected and keep the bounds of messages.
func sendMessage(conn *net.UnixConn, data, control []byte) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	failed := raw.Write(func(fd uintptr) bool {
		err = unix.Sendmsg(int(fd), data, control, nil, 0)
		return !errors.Is(err, unix.EAGAIN)
	})
	return errors.Join(failed, os.NewSyscallError("sendmsg", err))
}

// rights is the control message that hands descriptors over.
func rights(files []*os.File) []byte {
	if len(files) == 0 {
		return nil
	}
	var fds []int
	for _, f := range files {
		fds = append(fds, int(f.Fd()))
	}
	return unix.UnixRights(fds...)
}

// maxRights is the most descriptors that a message carries (SCM_MAX_FD).
const maxRights = 253

// store gives descriptors to the service manager under a name, which keeps them for
// the next process as FileDescriptorStoreMax= allows.
func (n notifier) store(name string, files ...*os.File) error {
	for some := range slices.Chunk(files, maxRights) {
		if err := n.send("FDSTORE=1\nFDNAME="+name, some...); err != nil {
			return fmt.Errorf("storing descriptors %q: %w", name, err)
		}
	}
	return nil
}

// forget makes the service manager close what it has stored under a name.
func (n notifier) forget(name string) error { return n.send("FDSTOREREMOVE=1\nFDNAME=" + name) }

func (n notifier) ready(status string) error    { return n.send("READY=1\nSTATUS=" + status) }
func (n notifier) status(status string) error   { return n.send("STATUS=" + status) }
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
