package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
)

const warmConf = `options {
	directory "{dir}";
	pid-file "{dir}/run/named.pid";
	listen-on port {port} { {address}; };
	listen-on-v6 { none; };
	allow-query { any; };
	forwarders { {upstream}; };
	forward only;
	stale-cache-enable yes;
	stale-answer-enable yes;
	stale-answer-ttl 5;
	stale-answer-client-timeout 200;
};
controls { };
logging {
	channel all { file "log/all"; print-category yes; print-severity yes; };
	category default { all; };
};
`

// manager is a service manager that keeps what is stored with it, by its name.
type manager struct {
	t      *testing.T
	path   string
	conn   *net.UnixConn
	kept   map[string][]*os.File
	states []string // what it was told, without what it keeps
}

func newManager(t *testing.T) *manager {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	m := &manager{t: t, path: path, conn: conn, kept: make(map[string][]*os.File)}
	t.Cleanup(func() {
		conn.Close()
		for _, files := range m.kept {
			closeFiles(files)
		}
	})
	return m
}

// listen takes all that it is told until there is a line that starts so.
func (m *manager) listen(until string) {
	m.t.Helper()
	data, control := make([]byte, 4096), make([]byte, 4096)
	for {
		m.conn.SetReadDeadline(time.Now().Add(30 * time.Second))
		n, cn, _, _, err := m.conn.ReadMsgUnix(data, control)
		if err != nil {
			m.t.Fatalf("waiting for %q: %v; heard %q", until, err, m.states)
		}
		said := string(data[:n])
		m.states = append(m.states, said)
		_, name, _ := strings.Cut(said, "FDNAME=")
		if strings.HasPrefix(said, "FDSTORE=1") {
			m.kept[name] = append(m.kept[name], received(m.t, control[:cn])...)
		}
		if strings.HasPrefix(said, "FDSTOREREMOVE=1") {
			closeFiles(m.kept[name])
			delete(m.kept, name)
		}
		if strings.HasPrefix(said, until) {
			return
		}
	}
}

func received(t *testing.T, control []byte) (files []*os.File) {
	t.Helper()
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil || len(messages) != 1 {
		t.Fatalf("ParseSocketControlMessage = %v, %v, want descriptors", messages, err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
		files = append(files, os.NewFile(uintptr(fd), "kept"))
	}
	return files
}

// start starts the program with all that is kept, and waits until it is ready.
func (m *manager) start(program, conf string) *lab.Process {
	m.t.Helper()
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$@"`, "sh", program, "-f", "--metrics-address=", "-c", conf)
	var names []string
	for name, files := range m.kept {
		for _, f := range files {
			cmd.ExtraFiles, names = append(cmd.ExtraFiles, f), append(names, name)
		}
	}
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+m.path, fmt.Sprintf("LISTEN_FDS=%d", len(names)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
	p := lab.Start(m.t, "the forwarder", cmd)
	m.listen("READY=1")
	return p
}

// end ends the program, and takes what it leaves.
func (m *manager) end(p *lab.Process) {
	m.t.Helper()
	p.Signal(m.t, syscall.SIGTERM)
	m.listen("STOPPING=1")
	<-p.Exited
	if p.Cmd.ProcessState.ExitCode() != 0 {
		m.t.Fatalf("the forwarder ended with %v:\n%s", p.Cmd.ProcessState, p.Tail())
	}
	m.listen("FDSTORE=1\nFDNAME=cache")
}

// warmed is a forwarder whose processes change, and its upstream.
type warmed struct {
	t        *testing.T
	addr     netip.AddrPort
	conf     string
	log      string
	resolver *vpcresolver.Resolver
}

func newWarmed(t *testing.T) *warmed {
	t.Helper()
	resolver, upstream := startResolver(t)
	for _, record := range []string{"hot.test. 300 IN A 10.0.0.1", "short.test. 1 IN A 10.0.0.2"} {
		if err := resolver.Set(record); err != nil {
			t.Fatal(err)
		}
	}
	addr := freeAddr(t)
	conf := writeConf(t, strings.ReplaceAll(warmConf, "{upstream}", "127.0.0.1 port "+portText(upstream)), addr)
	return &warmed{t, addr, conf, filepath.Join(filepath.Dir(conf), "log/all"), resolver}
}

func (w *warmed) ask(name string) *dns.Msg {
	w.t.Helper()
	q := new(dns.Msg).SetQuestion(name, dns.TypeA).SetEdns0(1232, false)
	reply, _, err := (&dns.Client{Timeout: 20 * time.Second}).Exchange(q, w.addr.String())
	if err != nil {
		w.t.Fatalf("asking for %s: %v", name, err)
	}
	return reply
}

// silence makes upstream fall silent.
func (w *warmed) silence() { w.resolver.SetFaults(".", vpcresolver.Faults{Drop: 1}) }

// wantHot checks that what was cached before upstream fell silent is answered: what
// is good still with a TTL that went on, what is not as stale.
func (w *warmed) wantHot() {
	w.t.Helper()
	hot := w.ask("hot.test.")
	if len(hot.Answer) != 1 || hot.Answer[0].Header().Ttl >= 299 || hot.Answer[0].Header().Ttl < 200 {
		w.t.Errorf("got %v\nwant the address with a TTL that has gone on", hot)
	}
	stale := w.ask("short.test.")
	if len(stale.Answer) != 1 || stale.Answer[0].Header().Ttl != 5 {
		w.t.Errorf("got %v\nwant the stale answer", stale)
	}
}

// wantCold checks that nothing is known of what was cached.
func (w *warmed) wantCold() {
	w.t.Helper()
	if m := w.ask("hot.test."); m.Rcode != dns.RcodeServerFailure {
		w.t.Errorf("got %v\nwant SERVFAIL: nothing is cached, and upstream is silent", m)
	}
}

// What is cached goes from process to process, while upstream is silent.
func TestWarmRestart(t *testing.T) {
	t.Parallel()
	program := lab.BuildForwarder(t)
	w, m := newWarmed(t), newManager(t)
	p := m.start(program, w.conf)
	w.ask("hot.test.")
	w.ask("short.test.")
	w.silence()
	time.Sleep(2 * time.Second) // the TTL of one is over
	for range 2 {               // it goes on from there
		m.end(p)
		if got := len(m.kept[cacheName]); got != 1 {
			t.Fatalf("%d caches are kept, want one", got)
		}
		p = m.start(program, w.conf)
		w.wantHot()
		if got := len(m.kept[cacheName]); got != 0 {
			t.Errorf("%d caches are kept while a process uses what was in it, want none", got)
		}
	}
	waitFor(t, "both lines", func() bool {
		return strings.Count(readIfAny(w.log), "kept 2 answers of the former process (0 MB), dropped 0\n") == 2
	})
	wantLines(t, w.log, "general: info: leaving 2 answers to the next process (0 MB)")

	// A process that was killed leaves nothing: what it dropped would come back.
	p.Kill()
	<-p.Exited
	p = m.start(program, w.conf)
	w.wantCold()

	// What cannot be trusted is not taken.
	for _, test := range []struct {
		name   string
		caches []*os.File
		want   string
	}{
		{"not sealed", []*os.File{memory(t, "anything", false)}, "starting with an empty cache: what the former process left is not one sealed file"},
		{"two", []*os.File{memory(t, "one", true), memory(t, "two", true)}, "starting with an empty cache: what the former process left is not one sealed file"},
		{"no file", []*os.File{null(t)}, "starting with an empty cache: what the former process left is not one sealed file"},
		{"corrupt", []*os.File{memory(t, strings.Repeat("anything", 100), true)}, "starting with an empty cache, what the former process left cannot be used: no file of this program"},
	} {
		m.end(p)
		closeFiles(m.kept[cacheName])
		m.kept[cacheName] = test.caches
		p = m.start(program, w.conf)
		waitFor(t, "reason: "+test.want, func() bool { return hasLine(t, w.log, "general: warning: "+test.want) })
		if n := strings.Count(readIfAny(w.log), "kept "); n != 2 {
			t.Errorf("%s: %d caches were taken, want none but the two before", test.name, n)
		}
		if len(m.kept[cacheName]) > 0 {
			t.Errorf("%s: it is kept, want it forgotten", test.name)
		}
	}
	m.end(p)
	if !slices.Contains(m.states, "FDSTOREREMOVE=1\nFDNAME=cache") {
		t.Errorf("the service manager heard %q", m.states)
	}
}

// memory returns a file in memory.
func memory(t *testing.T, text string, sealed bool) *os.File {
	t.Helper()
	f, err := newMemory(cacheName)
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err == nil && sealed {
		err = seal(f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func null(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A process that takes over by SIGUSR2 has what was cached.
func TestWarmTakeOver(t *testing.T) {
	t.Parallel()
	w := newWarmed(t)
	pidFile := filepath.Join(filepath.Dir(w.conf), "run/named.pid")
	first := lab.Start(t, "the forwarder", exec.Command(lab.BuildForwarder(t), "-f", "--metrics-address=", "-c", w.conf))
	first.WaitFor(t, w.addr)
	waitThere(t, pidFile)
	w.ask("hot.test.")
	w.ask("short.test.")
	w.silence()
	time.Sleep(2 * time.Second)
	first.Signal(t, syscall.SIGUSR2)
	<-first.Exited
	second := readPid(pidFile)
	if second == first.Cmd.Process.Pid || second == 0 {
		t.Fatalf("pid file = %d, want another process than %d:\n%s", second, first.Cmd.Process.Pid, first.Tail())
	}
	t.Cleanup(func() { _ = syscall.Kill(second, syscall.SIGKILL) })
	w.wantHot()
	if err := syscall.Kill(second, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	waitGone(t, pidFile)
}

// testServiceWarm restarts the service while upstream is silent: what was cached is
// cached still, and systemd does not keep it beside the process that has it.
func testServiceWarm(t *testing.T, m *machine, v lab.VPC) {
	m.T = t
	good := m.Run("cat", "/etc/named.conf")
	m.Put("/etc/named.conf", strings.Replace(good, "forward only;", "forward only; stale-cache-enable yes; stale-answer-enable yes; stale-answer-client-timeout 200;", 1))
	m.Run("systemctl", "reload", "forwarder")
	for _, record := range []string{"hot.awslab.mycompany.corp. 300 IN A 10.79.6.21", "short.awslab.mycompany.corp. 1 IN A 10.79.6.22"} {
		if err := v.Resolver.Set(record); err != nil {
			t.Fatal(err)
		}
	}
	dig := []string{"dig", "+tries=1", "+timeout=10", "+noall", "+answer", "@127.0.0.1"}
	wantAddresses := func() {
		t.Helper()
		for name, address := range map[string]string{"hot": "10.79.6.21", "short": "10.79.6.22"} {
			m.Want(address, append(slices.Clone(dig), "+short", name+".awslab.mycompany.corp")...)
		}
	}
	wantAddresses()
	v.Resolver.SetFaults(".", vpcresolver.Faults{Drop: 1})
	defer v.Resolver.SetFaults(".", vpcresolver.Faults{})
	time.Sleep(2 * time.Second)
	before := m.stored()
	for range 2 {
		m.Run("systemctl", "restart", "forwarder")
		wantAddresses()
		waitFor(t, "cache that systemd let go of", func() bool { return m.stored() == before })
	}
	answer := strings.Fields(m.Run(append(slices.Clone(dig), "hot.awslab.mycompany.corp")...))
	if ttl, err := strconv.Atoi(answer[1]); err != nil || ttl > 298 || ttl < 100 {
		t.Errorf("answer = %q, want a TTL that has gone on", answer)
	}
	m.Run("kill", "-KILL", m.Show("MainPID")) // which leaves nothing
	m.Until("ActiveState", "active")
	m.Want("", append(slices.Clone(dig), "hot.awslab.mycompany.corp")...)
	m.Put("/etc/named.conf", good)
	m.Run("systemctl", "reload", "forwarder")
}
