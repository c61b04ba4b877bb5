package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"vpcdns/forwarder/host"
	"vpcdns/forwarder/logging"
)

// A process hands its sockets to the next one: what arrives in between waits in
// their queues. Under systemd they pass through its descriptor store, also when
// the process is killed; else the process starts the next one itself. The same
// sockets, not others on the same port (SO_REUSEPORT), since what a socket has
// queued is lost when its last holder closes it.

const (
	// successorEnv tells a process that was started to take our place how many
	// descriptors it has from successorFd on, and successorNamesEnv what they are,
	// as LISTEN_FDNAMES does.
	successorEnv      = "FORWARDER_SOCKETS"
	successorNamesEnv = "FORWARDER_NAMES"
	successorFd       = startupFd + 1

	// managedFd is the first of those that a service manager kept for us.
	managedFd = 3

	// restartTimeout is how long upstream has for what is being asked when the
	// next process can start only after our end. A VPC resolver answers in
	// milliseconds; one that does not answer must not keep hits waiting: at
	// 1000 queries/s some 250 are queued meanwhile.
	restartTimeout = 250 * time.Millisecond

	// successorTimeout is the same when the next process serves already.
	successorTimeout = 4500 * time.Millisecond

	// startTimeout is how long the next process may take to serve.
	startTimeout = 30 * time.Second
)

// inheritance is what the process was started with.
type inheritance struct {
	sockets []*os.File
	early   bool       // they are of a process that was not ready
	caches  []*os.File // what a former process has left of its cache
}

// inherited returns what a service manager kept (sd_listen_fds(3)), or a former
// process of ours had: sockets, and what has the name of a cache.
func inherited(getenv func(string) string) (h inheritance) {
	first, count, names := managedFd, getenv("LISTEN_FDS"), getenv("LISTEN_FDNAMES")
	switch {
	case isDetached():
		first, count, names = successorFd, getenv(successorEnv), getenv(successorNamesEnv)
	case getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()):
		return h
	}
	n, _ := strconv.Atoi(count) // not a number: none
	list := strings.Split(names, ":")
	for i := range n {
		syscall.CloseOnExec(first + i)
		f := os.NewFile(uintptr(first+i), "inherited")
		name := ""
		if i < len(list) {
			name = list[i]
		}
		h.add(name, f)
	}
	return h
}

func (h *inheritance) add(name string, f *os.File) {
	if name == cacheName {
		h.caches = append(h.caches, f)
		return
	}
	h.sockets, h.early = append(h.sockets, f), h.early || name == earlyName
}

// shutInherited ends the sockets that a service manager kept, which else would
// hold queries for a process that does not start: their clients are to ask
// elsewhere.
func (d *daemon) shutInherited() {
	if !d.notify.managed() {
		return
	}
	for _, f := range d.inherited.sockets {
		_ = unix.Shutdown(int(f.Fd()), unix.SHUT_RDWR) // ENOTCONN for UDP, which it ends all the same
	}
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// storeSockets gives the sockets to the service manager, which gives them to the
// next process, however this one ends. It takes those that it has already for
// what they are. Until members have told there is nothing to go on with: a next process
// has to begin as this one did.
func (d *daemon) storeSockets() error {
	if !d.notify.managed() || !d.members.isReady() {
		return nil
	}
	files, err := d.server.Sockets()
	if err != nil {
		return err
	}
	defer closeFiles(files)
	return d.notify.store(socketsName, files...)
}

// socketsAre is the name of the sockets for a next process.
func (d *daemon) socketsAre() string {
	if d.members.isReady() {
		return socketsName
	}
	return earlyName
}

// startNext starts the program that is on disk now, with our arguments, our sockets
// and what is cached, and returns when it serves. When it does not it has ended.
// What is learnt while it starts it has to ask for itself, as the other of a pair.
func (d *daemon) startNext() error {
	files, err := d.server.Sockets()
	if err != nil {
		return err
	}
	names := strings.Repeat(d.socketsAre()+":", len(files))
	if f := d.snapshot(); f != nil {
		files, names = append(files, f), names+cacheName
	}
	defer closeFiles(files)
	p, err := startDetached(files, names)
	if err != nil {
		return err
	}
	defer p.report.Close()
	p.report.SetReadDeadline(time.Now().Add(startTimeout))
	var said bytes.Buffer
	if follow(p.report, &said) == nil {
		return nil
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // its words say more than its status
	return errors.New(strings.TrimSpace(said.String()))
}

// takeOver lets the next process take our place, and reports whether it does.
func (d *daemon) takeOver() bool {
	if d.notify.managed() {
		d.log(logging.Warning, "received SIGUSR2: use the service manager, a restart loses nothing")
		return false
	}
	d.log(logging.Info, "received SIGUSR2, starting a process to take over")
	goOn := d.server.LeaveState()
	if err := d.startNext(); err != nil {
		goOn()
		for line := range strings.Lines(err.Error()) {
			d.log(logging.Error, "the process that was to take over did not start: %s", strings.TrimSuffix(line, "\n"))
		}
		return false
	}
	d.log(logging.Info, "the new process serves")
	return true
}

// complain logs which addresses are not served, and who has them. The error is nil
// when all are, else errInPart with a line for each. One that is tentative is not
// among them: it is served by itself once it is ready.
func (d *daemon) complain() error {
	var list []error
	for _, u := range d.server.Unserved() {
		err := fmt.Errorf("not serving %s: %w", host.Address(u.Addr), withHolders(u.Err, u.Addr))
		d.log(logging.Error, "%v", err)
		if !errors.Is(err, syscall.EADDRNOTAVAIL) {
			list = append(list, err)
		}
	}
	if list == nil {
		return nil
	}
	return errors.Join(append([]error{errInPart}, list...)...)
}

// withHolders adds to the error of a socket who has its address.
func withHolders(err error, a netip.AddrPort) error {
	if taken := holdersOf(a); errors.Is(err, syscall.EADDRINUSE) && len(taken) > 0 {
		return fmt.Errorf("%w: %s", err, strings.Join(taken, ", "))
	}
	return err
}
