package main

import (
	"context"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"vpcdns/cmd/failover/route53"
	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

const (
	hookOwn     = "10.79.6.11" // of the node that the test is
	hookOther   = "10.79.6.12"
	hookParking = "192.0.2.1"
)

// node is a machine with the program on which a hook runs, in a network namespace
// with Route 53.
type node struct {
	*lab.Namespace
	api  *route53.Server
	zone string // its ID
	dir  string // in $PATH, with the program
	env  []string
}

// newNode needs root.
func newNode(t *testing.T) *node {
	t.Helper()
	n := &node{Namespace: lab.NewNamespace(t), dir: hookProgram(t)}
	n.IP(t, "link set lo up")
	n.serve(t, netip.MustParseAddrPort("127.0.0.1:0"))
	return n
}

// serve begins Route 53 in the node's namespace.
func (n *node) serve(t *testing.T, addr netip.AddrPort) {
	t.Helper()
	n.api = route53.New(route53.Options{})
	t.Cleanup(func() { n.api.Close() })
	var err error
	n.zone, err = n.api.AddZone(route53.Zone{Name: "awslab.mycompany.corp", VPCs: []route53.VPC{{VPCRegion: "eu-west-1", VPCId: "vpc-1"}},
		Records: []route53.RecordSet{record(hookOther)}})
	if err != nil {
		t.Fatal(err)
	}
	var url string
	n.Do(t, func() { url, err = n.api.Listen(addr) })
	if err != nil {
		t.Fatal(err)
	}
	n.env = append(os.Environ(), "PATH="+n.dir+":/usr/sbin:/usr/bin:/sbin:/bin", "FAILOVER_PARKING="+hookParking, "HOME="+t.TempDir(),
		"AWS_ENDPOINT_URL="+url, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_EC2_METADATA_DISABLED=true")
}

// hookProgram puts the program into a directory that every user can read.
func hookProgram(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for path := dir; path != os.TempDir() && path != "/"; path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	program, err := built()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", program, dir).CombinedOutput(); err != nil {
		t.Fatalf("copying: %v\n%s", err, out)
	}
	return dir
}

// value is what the name has.
func (n *node) value(t *testing.T) string {
	t.Helper()
	return strings.Join(has(t, n.api, app), " ")
}

// set gives the name an address, as another node would.
func (n *node) set(t *testing.T, addr string) {
	t.Helper()
	if err := n.api.Put(n.zone, record(addr)); err != nil {
		t.Fatal(err)
	}
}

// until waits for the name to have an address.
func (n *node) until(t *testing.T, want string, p *daemon) {
	t.Helper()
	for range 600 {
		if n.value(t) == want {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s has %s, want %s\n%s", app, n.value(t), want, p.output())
}

// daemon is a program that calls a hook.
type daemon struct {
	cmd *exec.Cmd
	log string
}

// start runs it in the node's namespace until the test ends.
func (n *node) start(t *testing.T, cmd *exec.Cmd) *daemon {
	t.Helper()
	d := &daemon{cmd, filepath.Join(t.TempDir(), "log")}
	log, err := os.Create(d.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Env, cmd.Stdout, cmd.Stderr = n.env, log, log
	n.Do(t, func() { err = cmd.Start() })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return d
}

func (d *daemon) output() string {
	text, _ := os.ReadFile(d.log)
	return string(text)
}

// stop ends it in its own way.
func (d *daemon) stop(t *testing.T) {
	t.Helper()
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	if err := d.cmd.Wait(); err != nil {
		t.Errorf("stopping: %v\n%s", err, d.output())
	}
}

// run runs a command in the node's namespace, with more of an environment, and returns
// what it prints.
func (n *node) run(t *testing.T, env []string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(n.env, env...)
	var out []byte
	var err error
	n.Do(t, func() { out, err = cmd.CombinedOutput() })
	return string(out), err
}

// hook is the path of one of deploy/hooks.
func hook(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../deploy/hooks", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var hookFlags = "--name " + app + " --zone awslab.mycompany.corp --address " + hookOwn

const keepalivedConf = `global_defs {
    script_user root
    enable_script_security
}
vrrp_script alive {
    script "/usr/bin/test -e ALIVE"
    interval 1
    fall 1
    rise 1
}
vrrp_instance app {
    state BACKUP
    interface lan0
    virtual_router_id 51
    priority 254
    advert_int 1
    virtual_ipaddress { 10.79.6.100 }
    track_script { alive }
    notify "HOOK FLAGS"
}
`

// A node becomes MASTER, fails, becomes MASTER again, and stops.
func TestKeepalivedHook(t *testing.T) {
	workbench.NeedRoot(t)
	keepalived := workbench.Need(t, "keepalived")
	n := newNode(t)
	n.IP(t, "link add lan0 type veth peer name lan1", "addr add 10.79.6.11/24 dev lan0", "link set lan0 up", "link set lan1 up")
	dir := t.TempDir()
	alive, conf := filepath.Join(dir, "alive"), filepath.Join(dir, "conf")
	text := strings.NewReplacer("ALIVE", alive, "HOOK", hook(t, "keepalived"), "FLAGS", hookFlags).Replace(keepalivedConf)
	for path, text := range map[string]string{alive: "", conf: text} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d := n.start(t, exec.Command(keepalived, "-n", "-l", "-P", "-p", filepath.Join(dir, "pid"), "-r", filepath.Join(dir, "vrrp.pid"), "-f", conf))
	n.until(t, hookOwn, d)
	if err := os.Remove(alive); err != nil {
		t.Fatal(err)
	}
	n.until(t, hookParking, d)
	if err := os.WriteFile(alive, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	n.until(t, hookOwn, d)
	d.stop(t)
	n.until(t, hookParking, d)
}

const patroniConf = `scope: app
name: one
restapi: {listen: 127.0.0.1:8008, connect_address: 127.0.0.1:8008}
raft: {data_dir: DIR/raft, self_addr: 127.0.0.1:2222}
bootstrap:
  dcs: {ttl: 20, loop_wait: 1, retry_timeout: 3}
  initdb: [{auth: trust}, no-sync, {encoding: UTF8}]
postgresql:
  listen: 127.0.0.1:5432
  connect_address: 127.0.0.1:5432
  data_dir: DIR/data
  pgpass: DIR/pgpass
  bin_dir: BIN
  parameters: {unix_socket_directories: DIR, fsync: 'off', shared_buffers: 1MB}
  authentication: {superuser: {username: postgres}, replication: {username: replicator}}
  callbacks:
    on_start: &failover HOOK FLAGS
    on_role_change: *failover
    on_stop: *failover
`

// A cluster of one node: it becomes the primary, and stops.
func TestPatroniHook(t *testing.T) {
	workbench.NeedRoot(t)
	patroni, setpriv := workbench.Need(t, "patroni"), workbench.Need(t, "setpriv")
	servers, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(servers) == 0 {
		workbench.Skip(t, "PostgreSQL is not installed: apt-get install postgresql")
	}
	n := newNode(t)
	dir, err := os.MkdirTemp("", "patroni")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	conf := filepath.Join(dir, "conf.yml")
	text := strings.NewReplacer("DIR", dir, "BIN", servers[0], "HOOK", readable(t, dir, "patroni"), "FLAGS", hookFlags).Replace(patroniConf)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "raft"), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("chown", "-R", "postgres", dir).CombinedOutput(); err != nil {
		t.Fatalf("chown: %v\n%s", err, out)
	}
	d := n.start(t, exec.Command(setpriv, "--reuid=postgres", "--regid=postgres", "--clear-groups", patroni, conf))
	n.until(t, hookOwn, d)
	d.stop(t)
	n.until(t, hookParking, d)
}

// readable copies a hook to where other users can read it.
func readable(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(hook(t, name))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, text, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// What needs no daemon to be tried: who is no primary or MASTER leaves the name as it
// is, and what fails is said with its exit status.
func TestHookCalls(t *testing.T) {
	workbench.NeedRoot(t)
	n := newNode(t)
	flags := strings.Fields(hookFlags)
	for _, tt := range []struct {
		hook   string
		args   []string
		status int
		want   string // the name's address
	}{
		{"keepalived", []string{"INSTANCE", "app", "BACKUP", "100"}, 0, hookOther},
		{"keepalived", []string{"INSTANCE", "app", "FAULT", "100"}, 0, hookOther},
		{"keepalived", []string{"GROUP", "apps", "MASTER", "0"}, 0, hookOwn},
		{"keepalived", []string{"INSTANCE", "a name with blanks", "DELETED", "100"}, 0, hookParking},
		{"keepalived", []string{"INSTANCE", "app", "CONFUSED", "100"}, 1, hookOther},
		{"keepalived", []string{"--zone", "other.corp", "INSTANCE", "app", "MASTER", "100"}, 2, hookOther},
		{"patroni", []string{"on_start", "replica", "app"}, 0, hookOther},
		{"patroni", []string{"on_role_change", "primary", "app"}, 0, hookOwn},
		{"patroni", []string{"on_role_change", "demoted", "app"}, 0, hookOther},
		{"patroni", []string{"on_stop", "replica", "app"}, 0, hookOther},
		{"patroni", []string{"on_stop", "primary", "app"}, 0, hookOther}, // who has it is another
		{"patroni", []string{"on_reload", "primary", "app"}, 0, hookOther},
		{"patroni", []string{"on_fire", "primary", "app"}, 1, hookOther},
		{"patroni", []string{"--zone", "other.corp", "on_start", "master", "app"}, 2, hookOther},
	} {
		n.set(t, hookOther)
		if tt.want == hookParking {
			n.set(t, hookOwn)
		}
		out, err := n.run(t, nil, append(append([]string{hook(t, tt.hook)}, flags...), tt.args...)...)
		status := 0
		if exit, ok := err.(*exec.ExitError); ok {
			status = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if got := n.value(t); status != tt.status || got != tt.want {
			t.Errorf("%s %q: status %d, %s, want %d, %s\n%s", tt.hook, tt.args, status, got, tt.status, tt.want, out)
		}
	}
	for _, name := range []string{"keepalived", "patroni"} {
		if out, err := n.run(t, nil, hook(t, name)); err == nil || !strings.Contains(out, "calls this as its") {
			t.Errorf("%s by hand: %v, %q", name, err, out)
		}
	}
}
