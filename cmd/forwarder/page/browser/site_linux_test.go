package browser

import (
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder/workbench"
	"vpcdns/testdata"
)

const (
	zone    = "awslab.mycompany.corp."
	service = "myservice." + zone
)

// markup and octets are names that somebody asks for who wants the page to break.
const (
	markup = `<script>alert\(1\)</script>.` + zone
	octets = `\000\255\"\\\195\169&amp\;.` + zone
)

// siteConf has a zone that answers, one whose server is silent, and a warning.
const siteConf = lab.Key + `options {
	directory "{dir}";
	pid-file none;
	listen-on port {dns} { 127.0.0.1; };
	listen-on-v6 { none; };
	allow-query { ! 127.0.0.9; any; };
	forwarders { {upstream}; };
	forward only;
};
zone "awslab.mycompany.corp" { type forward; forward only; forwarders { {upstream}; }; };
zone "<i>x</i>.test" { type forward; forward first; forwarders { {upstream}; }; };
zone "branch.mycompany.corp" { type forward; forward only; forwarders { {silent}; }; };
controls { inet 127.0.0.1 port {control} allow { 127.0.0.1; } keys { "rndc-key"; }; };
`

// site is a forwarder with its status page, in front of the VPC resolver's stand-in.
type site struct {
	t        *testing.T
	program  string
	args     []string
	resolver *vpcresolver.Resolver
	process  *lab.Process
	dns      netip.AddrPort
	control  netip.AddrPort
	upstream netip.AddrPort
	silent   netip.AddrPort // a server that answers nothing
	page     string         // URL
	key      string         // file

	traffic sync.WaitGroup
	stop    func() // of the traffic
}

// newSite starts a forwarder that watches names.
func newSite(t *testing.T, watched ...string) *site {
	t.Helper()
	s := &site{t: t, program: lab.BuildForwarder(t), dns: workbench.FreeAddr(t), control: workbench.FreeAddr(t), key: lab.WriteKey(t), stop: func() {}}
	t.Cleanup(func() { s.stop() })
	s.silent = silent(t)
	s.startResolver()
	page := workbench.FreeAddr(t)
	s.page = fmt.Sprintf("http://%v/", page)
	dir := t.TempDir()
	conf := strings.NewReplacer("{dir}", dir, "{dns}", port(s.dns), "{control}", port(s.control),
		"{upstream}", inConf(s.upstream), "{silent}", inConf(s.silent)).Replace(siteConf)
	put(t, filepath.Join(dir, "named.conf"), []byte(conf))
	s.args = []string{"-f", "-c", filepath.Join(dir, "named.conf"), "--metrics-address", strings.Replace(page.String(), ":", "#", 1), "--state-file", filepath.Join(dir, "state"), "--status-clients"}
	for _, name := range watched {
		s.args = append(s.args, "--watch", name)
	}
	s.start()
	return s
}

func (s *site) start() {
	s.t.Helper()
	s.process = lab.Start(s.t, "the forwarder", exec.Command(s.program, s.args...))
	s.process.WaitFor(s.t, s.dns)
}

// startResolver starts the stand-in, with more names than its zone has.
func (s *site) startResolver() {
	s.t.Helper()
	r, err := vpcresolver.New(testdata.Zone, false)
	if err != nil {
		s.t.Fatal(err)
	}
	s.resolver = r
	s.set(service+" 2 IN A 10.79.1.20", "db."+zone+" 2 IN A 10.79.1.31", markup+" 60 IN A 10.79.3.1", octets+" 60 IN A 10.79.3.2")
	if s.upstream, err = r.Listen(netip.MustParseAddrPort("127.0.0.1:0")); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { r.Close() })
}

// set changes records upstream.
func (s *site) set(records ...string) {
	s.t.Helper()
	if err := s.resolver.Set(records...); err != nil {
		s.t.Fatal(err)
	}
}

// rndc commands the forwarder.
func (s *site) rndc(args ...string) {
	s.t.Helper()
	args = append([]string{"rndc", "-s", "127.0.0.1", "-p", port(s.control), "-k", s.key}, args...)
	if out, err := exec.Command(s.program, args...).CombinedOutput(); err != nil {
		s.t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// ask asks the forwarder for a name's A records, as the client of an address.
func (s *site) ask(client, name string) (*dns.Msg, error) {
	c := dns.Client{Timeout: 10 * time.Second, Dialer: &net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(client)}}}
	reply, _, err := c.Exchange(new(dns.Msg).SetQuestion(name, dns.TypeA), s.dns.String())
	return reply, err
}

// awaitAnswer waits until clients get an address.
func (s *site) awaitAnswer(name, address string) {
	s.t.Helper()
	await(s.t, name+" "+address+" at the forwarder", func() bool {
		reply, err := s.ask("127.0.0.1", name)
		return err == nil && len(reply.Answer) == 1 && strings.HasSuffix(reply.Answer[0].String(), "\t"+address)
	})
}

// refuse asks as a client that no access list lets in.
func (s *site) refuse() {
	s.t.Helper()
	if reply, err := s.ask("127.0.0.9", service); err != nil || reply.Rcode != dns.RcodeRefused {
		s.t.Fatalf("the stranger gets %v, %v, want REFUSED", reply, err)
	}
}

// begin lets clients ask for names, a question each 5 ms, until stop.
func (s *site) begin(names ...string) {
	s.stop()
	done := make(chan struct{})
	s.stop = sync.OnceFunc(func() {
		close(done)
		s.traffic.Wait()
	})
	s.traffic.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
				_, _ = s.ask(fmt.Sprintf("127.0.0.%d", 2+i%5), names[i%len(names)]) // it may be starting again
			}
		}
	})
}

// silent is the address of a server that answers nothing.
func silent(t *testing.T) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func port(a netip.AddrPort) string { return fmt.Sprint(a.Port()) }

// bindAddress is a server as the page has it.
func bindAddress(a netip.AddrPort) string { return fmt.Sprintf("%v#%d", a.Addr(), a.Port()) }

// inConf is a server as named.conf has it.
func inConf(a netip.AddrPort) string { return fmt.Sprintf("%v port %d", a.Addr(), a.Port()) }
