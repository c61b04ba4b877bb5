package lab

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	"vpcdns/forwarder/workbench"
)

// Server is a program that forwards the reference's two private zones, in a
// forwarder's place or as the corporate DNS before the pair.
type Server struct {
	Name    string
	program string // its path; "" is found by the name
	args    string
	conf    string // template of its configuration
	version string // argument to print that

	etc   map[string]string // files that it needs in /etc
	setup string            // shell that precedes it
}

// Setup is how a Server is started.
type Setup struct {
	Address   string   // to serve, on port 53
	Upstreams []string // addresses
	Options   string   // more options of named.conf, for those that read one
	Controls  string   // statements of named.conf beside them, for the same
	Flags     []string // more of the command line

	Snippets map[string]string // of a Downstream server
}

// Peers are the servers that the forwarder is compared with: as they come, with
// a cache, without validation, and never asking the root servers.
var Peers = []Server{
	{Name: "named", version: "-v", args: "-g -c {conf}", conf: `{{with .Controls}}{{.}}{{else}}controls { };{{end}}
options {
	directory "{{.Dir}}"; pid-file none; session-keyfile none;
	listen-on { {{.Address}}; }; listen-on-v6 { none; }; allow-query { any; };
	dnssec-validation no; empty-zones-enable no;
	forward only; forwarders { {{range .Upstreams}}{{.}}; {{end}}};
	{{.Options}}
};
{{range .Zones}}zone "{{.}}" { type forward; forward only; forwarders { {{range $.Upstreams}}{{.}}; {{end}}}; };
{{end}}`},
	{Name: "unbound", version: "-V", args: "-d -c {conf}", conf: `server:
	directory: "{{.Dir}}"
	chroot: ""
	username: ""
	pidfile: ""
	use-syslog: no
	do-ip6: no
	interface: {{.Address}}
	access-control: 10.0.0.0/8 allow
	module-config: "iterator"
remote-control:
	control-enable: no
{{range .Zones}}forward-zone:
	name: "{{.}}"
	{{range $.Upstreams}}forward-addr: {{.}}
	{{end}}
{{end}}`},
	{Name: "dnsdist", version: "--version", args: "--supervised --disable-syslog -C {conf}", conf: `setLocal("{{.Address}}:53")
setSecurityPollSuffix("")
{{range .Upstreams}}newServer({address="{{.}}"})
{{end}}getPool(""):setCache(newPacketCache(100000, {maxTTL=86400}))
`},
	{Name: "coredns", version: "-version", args: "-conf {conf}", conf: `{{range .Zones}}{{.}} {{end}}{
	bind {{.Address}}
	forward .{{range .Upstreams}} {{.}}{{end}}
	cache
}
`},
	{Name: "dnsmasq", version: "--version", args: "-k --conf-file={conf}", conf: `no-resolv
no-hosts
user=root
pid-file=
log-facility=-
bind-interfaces
listen-address={{.Address}}
cache-size=10000
dns-forward-max=1000
{{range $z := .Zones}}{{range $.Upstreams}}server=/{{$z}}/{{.}}
{{end}}{{end}}`},
}

var privateZones = []string{"awslab.mycompany.corp", "us-east-1.compute.internal"}

// Peer returns the peer of that name.
func Peer(t testing.TB, name string) Server {
	t.Helper()
	for _, s := range Peers {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no peer %s", name)
	return Server{}
}

// Forwarder returns the program under test, to run with the reference
// configuration. It is unmodified unless the Setup has options or other
// upstreams.
func Forwarder(t testing.TB, program string) Server {
	t.Helper()
	const upstreams, forward = "{10.79.0.2;}", "    forward only;\n"
	conf := Reference(t)
	if strings.Count(conf, upstreams) != 3 || strings.Count(conf, forward) != 1 {
		t.Fatal("the reference configuration is not what it was")
	}
	conf = strings.ReplaceAll(conf, upstreams, "{ {{range .Upstreams}}{{.}}; {{end}}}")
	conf = strings.ReplaceAll(conf, forward, forward+"{{.Options}}")
	return Server{Name: "forwarder", program: program, args: "-f -c {conf}", conf: conf + "{{.Controls}}"}
}

// Installed reports whether the server's program is there.
func (s Server) Installed() bool {
	_, err := exec.LookPath(s.executable())
	return err == nil
}

// executable is the program's path, or its name for $PATH. An environment
// variable with the name in capitals overrules: COREDNS=/opt/coredns.
func (s Server) executable() string {
	if s.program != "" {
		return s.program
	}
	if path := os.Getenv(strings.ToUpper(s.Name)); path != "" {
		return path
	}
	return s.Name
}

// Version returns the number that the program says it has.
func (s Server) Version(t testing.TB) string {
	t.Helper()
	out, err := exec.Command(s.executable(), s.version).CombinedOutput()
	if err != nil {
		t.Fatalf("asking %s for its version: %v", s.Name, err)
	}
	return regexp.MustCompile(`\d+(\.\d+)+`).FindString(string(out))
}

// Serve runs the server until the end of the test, with a /var of its own, and
// waits until it answers.
func (n *Namespace) Serve(t testing.TB, s Server, setup Setup) *Process {
	t.Helper()
	const directories = "mkdir -p /var/named /var/log/named\n"
	conf := s.WriteConf(t, setup)
	cmd := Command(t, s.etc, directories+inPlace(s.setup, conf), s.commandLine(t, conf, setup.Flags)...)
	return n.Start(t, s.Name, cmd, setup.Address)
}

// CommandLine writes the server's configuration, and returns what to run.
func (s Server) CommandLine(t testing.TB, setup Setup) []string {
	t.Helper()
	return s.commandLine(t, s.WriteConf(t, setup), setup.Flags)
}

func (s Server) commandLine(t testing.TB, conf string, flags []string) []string {
	t.Helper()
	path := s.executable()
	if path == s.Name {
		path = workbench.Need(t, s.Name)
	}
	return slices.Concat([]string{path}, strings.Fields(inPlace(s.args, conf)), flags)
}

// inPlace says where the configuration is, and its directory.
func inPlace(text, conf string) string {
	return strings.NewReplacer("{conf}", conf, "{dir}", filepath.Dir(conf)).Replace(text)
}

// WriteConf writes the server's configuration to a directory of its own, and
// returns its path.
func (s Server) WriteConf(t testing.TB, setup Setup) string {
	t.Helper()
	dir := t.TempDir()
	var text bytes.Buffer
	err := template.Must(template.New(s.Name).Parse(s.conf)).Execute(&text, struct {
		Setup
		Dir   string
		Zones []string
	}{setup, dir, privateZones})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, s.Name+".conf")
	if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
