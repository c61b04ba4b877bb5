package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// server is a peer that runs.
type server struct {
	peer
	addr    netip.AddrPort
	cmd     *exec.Cmd
	startup time.Duration // from its start to its first answer
	idle    float64       // octets resident soon after
	exited  chan struct{} // closed when it is gone
}

// startServer runs p on the cores of that list, with a directory below dir.
func startServer(p peer, dir, cores string, upstream netip.AddrPort, extra ...string) (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	dir, err = os.MkdirTemp(dir, p.name)
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(dir, p.confName())
	r := strings.NewReplacer("{dir}", dir, "{conf}", conf, "{port}", fmt.Sprint(addr.Port()), "{upstream}", fmt.Sprint(upstream.Port()))
	if err := os.WriteFile(conf, []byte(r.Replace(p.conf)), 0o644); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	args := append([]string{"-c", cores, p.program}, append(fill(p.args, r), extra...)...)
	s := &server{peer: p, addr: addr, cmd: exec.Command("taskset", args...), exited: make(chan struct{})}
	s.cmd.Stdout, s.cmd.Stderr, s.cmd.Dir = log, log, dir
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return s, s.start(log.Name())
}

// start runs the command until it answers.
func (s *server) start(log string) error {
	begun := time.Now()
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", s.name, err)
	}
	go func() {
		_ = s.cmd.Wait() // how it ended does not matter
		close(s.exited)
	}()
	for !answers(s.addr) {
		select {
		case <-s.exited:
			text, _ := os.ReadFile(log)
			return fmt.Errorf("%s ended at once:\n%s", s.name, text[max(0, len(text)-1000):])
		case <-time.After(time.Millisecond):
		}
		if time.Since(begun) > 20*time.Second {
			s.stop()
			return fmt.Errorf("%s does not answer", s.name)
		}
	}
	s.startup = time.Since(begun)
	time.Sleep(300 * time.Millisecond)
	var err error
	s.idle, err = s.resident()
	return err
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(5 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
}

// cpu returns the time that the process and its dead children have taken: some
// servers fork for each TCP connection.
func (s *server) cpu() (time.Duration, error) {
	const cpuClockOfProcess = 2 // see clock_getcpuclockid(3)
	var ts unix.Timespec
	clock := int32(^s.cmd.Process.Pid<<3 | cpuClockOfProcess)
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0, fmt.Errorf("reading the clock of %s: %w", s.name, err)
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	return time.Duration(ts.Nano()) + childTime(stat), err
}

// childTime returns cutime and cstime of a line of /proc/PID/stat (proc(5)).
func childTime(stat []byte) time.Duration {
	const tick = 10 * time.Millisecond                              // USER_HZ is 100 everywhere
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // the name may hold blanks
	if len(fields) < 15 {
		return 0
	}
	user, _ := strconv.Atoi(string(fields[13]))
	system, _ := strconv.Atoi(string(fields[14]))
	return time.Duration(user+system) * tick
}

// resident returns the resident set in bytes.
func (s *server) resident() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	var size, resident int
	_, err = fmt.Sscan(string(text), &size, &resident)
	return float64(resident * os.Getpagesize()), err
}

// answers reports whether an answer comes at once.
func answers(addr netip.AddrPort) bool {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return false
	}
	defer conn.Close()
	_, _ = conn.Write(appendQuery(nil, 1, "up", 0))
	_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	n, err := conn.Read(make([]byte, 512))
	return err == nil && n > headerLen
}

// freeAddr returns an address whose port is free for UDP and TCP.
func freeAddr() (netip.AddrPort, error) {
	for range 100 {
		stream, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return netip.AddrPort{}, err
		}
		addr := stream.Addr().(*net.TCPAddr).AddrPort()
		packets, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
		stream.Close()
		if err == nil {
			packets.Close()
			return addr, nil
		}
	}
	return netip.AddrPort{}, errors.New("no port is free for both UDP and TCP")
}
