package deploy

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

const (
	secretText   = "z3SmzhaePoykYMsVgOzjrt1MtwW3UOwvil9CVp8Gy1s0"
	resolvedConf = "nameserver " + lab.Resolver
	userScript   = "/var/lib/cloud/instance/scripts/part-001"
)

// awsCommand is the real one, of whatever version: Debian's does not know
// AWS_ENDPOINT_URL. Version 2 comes first, as Amazon Linux has that.
const awsCommand = `#!/bin/sh
aws=/usr/bin/aws
[ -x $aws ] || aws=%
exec $aws --endpoint-url http://` + endpoint + `:5000 "$@"
`

// endpoint is the address of S3 and Secrets Manager.
const endpoint = "10.79.3.1"

// instance is one of EC2 as it is before its user data runs: Amazon Linux's package
// manager and presets, S3 and Secrets Manager in moto, and the VPC.
type instance struct {
	*lab.Machine
	lab.VPC
	secret  string // its ARN
	signals signals
}

// signals are what the wait condition's handle was told, in order.
type signals struct {
	mu  sync.Mutex
	all []signal
}

type signal struct{ Status, Reason, UniqueId, Data string }

// ServeHTTP takes what S3 does: a whole body, and no type of it, as that is not signed.
func (s *signals) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var told signal
	if err == nil {
		err = json.Unmarshal(body, &told)
	}
	if r.Method != http.MethodPut || r.ContentLength < 0 || r.Header["Content-Type"] != nil || r.URL.RawQuery != "Signature=x%2By" || err != nil {
		http.Error(w, "S3 does not take this", http.StatusForbidden)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, told)
}

// take returns what was told since the last time.
func (s *signals) take() []signal {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.all
	s.all = nil
	return all
}

// needInstance skips a test where one cannot be had.
func needInstance(t *testing.T) {
	t.Helper()
	workbench.NeedRoot(t)
	for _, program := range []string{"systemctl", "nsenter", "ip", "dig", "rndc", "dnf", "rpm", "rpmbuild", "aws", "curl", "getent", "unshare"} {
		workbench.Need(t, program)
	}
	if _, err := exec.LookPath("moto_server"); err != nil {
		t.Skip("moto_server is not installed: pip install 'moto[server]'")
	}
}

// newInstance starts one.
func newInstance(t *testing.T, packages map[string]string) *instance {
	t.Helper()
	aws, _ := exec.LookPath("aws")
	i := &instance{secret: missingSecret, Machine: lab.NewMachine(t, map[string]string{
		"etc/dnf/vars/releasever":                    "2023",
		"etc/systemd/system-preset/00-amazon.preset": "disable *\n",
	})}
	for path, file := range packages {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		i.Place(path, string(text), 0o644)
	}
	i.Place("usr/local/bin/aws", strings.Replace(awsCommand, "%", aws, 1), 0o755)
	i.Start()
	i.Run("rm", "-rf", "/root/.rpmdb", "/var/lib/rpm") // if the host has one
	i.Run("rpm", "--install", "/base.rpm")
	i.attach(t)
	i.startMoto()
	return i
}

// attach gives it the VPC, with systemd-resolved's resolv.conf, clients, and who hears
// what it tells the stack.
func (i *instance) attach(t *testing.T) {
	t.Helper()
	i.VPC = lab.Connect(t, i.Machine, lab.ForwarderA)
	i.IP(t, "addr add "+stranger+"/32 dev machine", "addr add "+corporate+"/32 dev machine")
	i.Run("ip", "route", "add", "default", "via", lab.Resolver)
	i.Run("ln", "-sf", "../run/systemd/resolve/resolv.conf", "/etc/resolv.conf")
	i.Run("mkdir", "-p", "/run/systemd/resolve")
	i.Put("/etc/resolv.conf", resolvedConf)
	i.listen(t)
}

// startMoto starts what answers as S3 and Secrets Manager.
func (i *instance) startMoto() {
	i.T.Helper()
	moto, _ := exec.LookPath("moto_server")
	i.Run("ip", "address", "add", endpoint+"/32", "dev", "lo")
	i.Run("systemd-run", "--unit=moto", "--collect", moto, "-H", "0.0.0.0", "-p", "5000")
	i.UntilTrue("curl", "--silent", "--fail", "http://"+endpoint+":5000/moto-api/")
}

// listen is the handle of the wait condition.
func (i *instance) listen(t *testing.T) {
	t.Helper()
	var l net.Listener
	var err error
	i.Do(t, func() { l, err = net.Listen("tcp", lab.Resolver+":8000") })
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: &i.signals}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { server.Close(); <-done })
}

// unreachable takes the endpoints away, until who asks has been refused twice.
func (i *instance) unreachable(t *testing.T) {
	t.Helper()
	i.Run("ip", "address", "delete", endpoint+"/32", "dev", "lo")
	i.IP(t, "addr add "+endpoint+"/32 dev machine")
	var l net.Listener
	var err error
	i.Do(t, func() { l, err = net.Listen("tcp", endpoint+":5000") })
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 2 {
			if c, err := l.Accept(); err == nil {
				c.Close()
			}
		}
		_, _ = i.Try("ip", "address", "add", endpoint+"/32", "dev", "lo")
	}()
	t.Cleanup(func() { l.Close(); <-done })
}

// builtPackages are the forwarder's package, and one that stands for what Amazon Linux
// has without it: paths on the instance to files.
func builtPackages(t *testing.T) map[string]string {
	t.Helper()
	dir, architecture := t.TempDir(), map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	command(t, "rpm/build", "-o", dir, architecture)
	command(t, "rpmbuild", "-bb", "--quiet", "--define", "_topdir "+t.TempDir(), "--define", "_rpmdir "+dir,
		"--define", "_rpmfilename base.rpm", "../testdata/rpm/base.spec")
	built, _ := filepath.Glob(filepath.Join(dir, "forwarder-[0-9]*.rpm"))
	if len(built) != 1 {
		t.Fatalf("rpm/build made %q, want one package of the forwarder", built)
	}
	return map[string]string{"forwarder.rpm": built[0], "base.rpm": filepath.Join(dir, "base.rpm")}
}

// command runs a program here, which has to succeed.
func command(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
}

// owner is what the account's owner asks of a service. It is no aws command, which takes
// longer to start than all else here.
func (i *instance) owner(service, path string, curl ...string) string {
	i.T.Helper()
	return i.Run(append([]string{"curl", "--silent", "--show-error", "--fail", "http://" + endpoint + ":5000/" + path,
		"--header", "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=0"}, curl...)...)
}

func (i *instance) makeBucket() {
	i.T.Helper()
	i.owner("s3", "packages", "--request", "PUT")
}

// upload makes a file what is at packageURL.
func (i *instance) upload(path string) {
	i.T.Helper()
	i.owner("s3", strings.TrimPrefix(packageURL, "s3://"), "--upload-file", path)
}

// secrets asks Secrets Manager, and returns the secret's ARN.
func (i *instance) secrets(action string, arguments map[string]string) string {
	i.T.Helper()
	body, err := json.Marshal(arguments)
	if err != nil {
		i.T.Fatal(err)
	}
	said := i.owner("secretsmanager", "", "--header", "Content-Type: application/x-amz-json-1.1",
		"--header", "X-Amz-Target: secretsmanager."+action, "--data-binary", string(body))
	var secret struct{ ARN string }
	if err := json.Unmarshal([]byte(said), &secret); err != nil || secret.ARN == "" {
		i.T.Fatalf("%s: %v: %s", action, err, said)
	}
	return secret.ARN
}

func (i *instance) makeSecret(text string) {
	i.T.Helper()
	i.secret = i.secrets("CreateSecret", map[string]string{"Name": "rndc", "SecretString": text})
}

func (i *instance) changeSecret(text string) {
	i.T.Helper()
	i.secrets("PutSecretValue", map[string]string{"SecretId": i.secret, "SecretString": text})
}

// boot runs the user data as cloud-init does, in a service without a home, with the
// role's credentials, and returns the console's log.
func (i *instance) boot(script string, under ...string) (console string, err error) {
	i.T.Helper()
	i.Run("mkdir", "-p", filepath.Dir(userScript))
	i.Put(userScript, script)
	i.Run("chmod", "700", userScript)
	args := []string{"systemd-run", "--quiet", "--wait", "--pipe", "--collect",
		"--setenv=AWS_ACCESS_KEY_ID=role", "--setenv=AWS_SECRET_ACCESS_KEY=role"}
	return i.Try(append(append(args, under...), userScript)...)
}
