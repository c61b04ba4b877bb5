package faults

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"vpcdns/cmd/forwarder/lab"
)

// manager keeps a service's sockets while it restarts, as systemd does where
// the unit has FileDescriptorStoreMax=.
type manager struct {
	conn *net.UnixConn

	mu    sync.Mutex
	files map[uint64]*os.File // by inode: a socket that comes again is the same
}

func newManager(t *testing.T) *manager {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	m := &manager{conn: conn, files: map[uint64]*os.File{}}
	var listening sync.WaitGroup
	listening.Go(m.listen)
	t.Cleanup(func() {
		conn.Close()
		listening.Wait()
		for _, f := range m.files {
			f.Close()
		}
	})
	return m
}

// listen takes sockets until the manager is closed (sd_pid_notify_with_fds(3)).
func (m *manager) listen() {
	const most = 253 // descriptors in a message (unix(7))
	state, control := make([]byte, 4096), make([]byte, unix.CmsgSpace(4*most))
	for {
		n, c, _, _, err := m.conn.ReadMsgUnix(state, control)
		if err != nil {
			return
		}
		for _, fd := range descriptors(control[:c]) {
			m.keep(fd, bytes.Contains(state[:n], []byte("FDSTORE=1")))
		}
	}
}

func descriptors(control []byte) (fds []int) {
	messages, _ := unix.ParseSocketControlMessage(control)
	for _, message := range messages {
		if some, err := unix.ParseUnixRights(&message); err == nil {
			fds = append(fds, some...)
		}
	}
	return fds
}

func (m *manager) keep(fd int, wanted bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil || !wanted || m.files[stat.Ino] != nil {
		unix.Close(fd)
		return
	}
	m.files[stat.Ino] = os.NewFile(uintptr(fd), "kept")
}

// start starts the service with the sockets that are kept.
func (m *manager) start(t *testing.T, s *site) *lab.Process {
	t.Helper()
	setup := lab.Setup{Address: lab.ForwarderA, Upstreams: []string{lab.Resolver}}
	const prepare = "mkdir -p /var/named /var/log/named; export LISTEN_PID=$$"
	cmd := lab.Command(t, nil, prepare, s.server.CommandLine(t, setup)...)
	m.mu.Lock()
	for _, f := range m.files {
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	m.mu.Unlock()
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+m.conn.LocalAddr().String(), fmt.Sprintf("LISTEN_FDS=%d", len(cmd.ExtraFiles)))
	return s.ForwarderA.Start(t, s.server.Name, cmd, lab.ForwarderA)
}
