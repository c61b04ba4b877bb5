package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder/logging"
)

// truthConf has channels that take errors only.
const truthConf = `
key "k" { algorithm hmac-sha256; secret "{secret}"; };
controls { inet 127.0.0.1 port {control} allow { 127.0.0.1; } keys { "k"; }; };
options {
	directory "{dir}"; pid-file none;
	listen-on port {port} { {address}; }; listen-on-v6 { none; };
	allow-query { any; }; empty-zones-enable no;
	forwarders { {upstream}; }; forward only;
};
zone "awslab.mycompany.corp" { type forward; forward only; forwarders { {upstream}; }; };
logging { channel f { file "{dir}/log"; severity error; }; category default { f; }; };
`

// The whole program: an upstream that fails one zone shows in the lines of the last
// resort, in systemd's line and in forwarder status, from beginning to end.
func TestTruth(t *testing.T) {
	t.Parallel()
	program := lab.BuildForwarder(t)
	resolver, upstream := startResolver(t)
	addr, control := freeAddr(t), freeAddr(t)
	conf := writeConf(t, strings.NewReplacer("{secret}", testSecret, "{control}", portText(control),
		"{upstream}", "127.0.0.1 port "+portText(upstream)).Replace(truthConf), addr)
	key := filepath.Join(filepath.Dir(conf), "key")
	write(t, key, fmt.Sprintf("key \"k\" { algorithm hmac-sha256; secret \"%s\"; };\n", testSecret))
	status := func() (code int, text string) {
		code, out, errs := outputs(t, exec.Command(program, "status", "-s", "127.0.0.1", "-p", portText(control), "-k", key))
		return code, out + errs
	}
	if code, text := status(); code != statusNotRunning {
		t.Errorf("forwarder status without a server = %d, %q, want %d", code, text, statusNotRunning)
	}

	socket, next := listenNotify(t)
	mode := "-f"
	if logging.SyslogListens() { // where the lines would go
		mode = "-g"
	}
	cmd := exec.Command(program, mode, "--metrics-address=", "-c", conf)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket)
	p := lab.Start(t, "the forwarder", cmd)
	p.WaitFor(t, addr)
	hears := func(want string) {
		t.Helper()
		for range 100 {
			if strings.Contains(next(), want) {
				return
			}
		}
		t.Errorf("the service manager never hears %q", want)
	}
	if code, text := status(); code != 0 {
		t.Errorf("forwarder status of a server that is well = %d, want 0:\n%s", code, text)
	}

	resolver.SetFaults("awslab.mycompany.corp.", vpcresolver.Faults{Rcode: dns.RcodeServerFailure})
	ask := func(from int) {
		for i := range 5 {
			m := new(dns.Msg).SetQuestion(fmt.Sprintf("n%d.awslab.mycompany.corp.", from+i), dns.TypeA)
			if _, err := dns.Exchange(m, addr.String()); err != nil {
				t.Error(err)
			}
		}
	}
	ask(0)
	began := fmt.Sprintf("upstream 127.0.0.1#%s fails for awslab.mycompany.corp: servers answered SERVFAIL", portText(upstream))
	p.WaitToSay(t, began+"; 5 of 5 queries of 1 client failed in the last minute")
	hears("STATUS=serving " + strings.Replace(addr.String(), ":", "#", 1) + "; " + began + " since ")
	code, text := status()
	if code != statusTrouble || !strings.Contains(text, "5 of 5 queries of awslab.mycompany.corp in the last minute") {
		t.Errorf("forwarder status = %d, want %d and the failures:\n%s", code, statusTrouble, text)
	}
	for line := range strings.Lines(text) {
		if len(line) > width+1 {
			t.Errorf("%q is longer than %d columns", line, width)
		}
	}

	resolver.SetFaults("awslab.mycompany.corp.", vpcresolver.Faults{})
	for range 30 {
		ask(1000)
		time.Sleep(500 * time.Millisecond)
		if _, text := status(); !strings.Contains(text, "fails for") {
			break
		}
	}
	p.WaitToSay(t, "answers for awslab.mycompany.corp again (after ")
	hears("queries of awslab.mycompany.corp failed in the last minute")
	p.Signal(t, syscall.SIGTERM)
	<-p.Exited
}
