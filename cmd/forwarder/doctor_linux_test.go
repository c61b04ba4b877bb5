package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/workbench"
)

// The machine of the reference, at first as it should be, then with one fault after
// the other: each has its line, and the exit status tells.
func TestDoctor(t *testing.T) {
	t.Parallel()
	network := lab.NewNetwork(t)
	vpc := network.StartResolver(t)
	program := lab.BuildForwarder(t)
	conf := filepath.Join(t.TempDir(), "named.conf")
	write(t, conf, lab.Reference(t))
	examine := func(flags ...string) (status int, found []examined, lines string) {
		t.Helper()
		etc := map[string]string{}
		text := lab.Command(t, etc, "mkdir -p /var/named /var/log/named", append([]string{program, "doctor", conf}, flags...)...)
		object := lab.Command(t, etc, "mkdir -p /var/named /var/log/named", append([]string{program, "doctor", "--json", conf}, flags...)...)
		network.ForwarderA.Do(t, func() {
			out, _ := text.Output() // the status says it too
			lines = string(out)
			out, _ = object.Output()
			if err := json.Unmarshal(out, &found); err != nil {
				t.Fatalf("doctor --json: %v\n%s", err, out)
			}
		})
		return object.ProcessState.ExitCode(), found, lines
	}

	status, found, lines := examine()
	for _, want := range []string{"10.79.1.10#53", "10.79.0.2#53: UDP ", "awslab.mycompany.corp. at 10.79.0.2#53: it answers", "10.79.0.2#53 is asked from 10.79.1.10 (eth0)", "no server asks this host in turn"} {
		if !strings.Contains(lines, want) {
			t.Errorf("doctor does not say %q:\n%s", want, lines)
		}
	}
	if status != 0 || len(problems(found)) > 0 {
		t.Errorf("exit status %d and problems %v of a machine that has none", status, problems(found))
	}

	t.Run("the zone is not associated", func(t *testing.T) {
		other := strings.ReplaceAll(lab.Reference(t), "awslab.mycompany.corp.", "other.mycompany.corp.")
		write(t, conf, other)
		defer write(t, conf, lab.Reference(t))
		status, found, _ := examine()
		wantProblem(t, status, found, "zone", "other.mycompany.corp. at 10.79.0.2#53: NXDOMAIN for the zone itself", "associate the private zone")
	})
	t.Run("named has the port", func(t *testing.T) {
		setup := lab.Setup{Address: lab.ForwarderA, Upstreams: []string{lab.Resolver}}
		named := network.ForwarderA.Serve(t, lab.Peer(t, "named"), setup)
		status, found, lines := examine()
		if want := "10.79.1.10#53 is taken by named (pid "; status != 0 || !strings.Contains(lines, want) {
			t.Errorf("exit status %d, want 0 and a warning %q:\n%s\n%v", status, want, lines, found)
		}
		named.End(t)
	})
	t.Run("somebody else has the port", func(t *testing.T) {
		setup := lab.Setup{Address: lab.ForwarderA, Upstreams: []string{lab.Resolver}}
		dnsmasq := network.ForwarderA.Serve(t, lab.Peer(t, "dnsmasq"), setup)
		status, found, _ := examine()
		wantProblem(t, status, found, "addresses", "10.79.1.10#53 is taken by dnsmasq (pid ", "stop it")
		dnsmasq.End(t)
	})
	t.Run("the path is cut", func(t *testing.T) {
		network.Router.IP(t, "link set resolver down")
		defer network.Router.IP(t, "link set resolver up", "addr replace 10.79.0.1/24 dev resolver")
		status, found, _ := examine()
		wantProblem(t, status, found, "upstream", "10.79.0.2#53: UDP: no ", "security groups")
	})
	t.Run("query-source of another host", func(t *testing.T) {
		write(t, conf, strings.Replace(lab.Reference(t), "forward only;", "forward only; query-source address 10.9.9.9;", 1))
		defer write(t, conf, lab.Reference(t))
		status, found, _ := examine()
		wantProblem(t, status, found, "source address", "query-source 10.9.9.9 is no address of this host", "query-source")
	})
	t.Run("an error in the configuration", func(t *testing.T) {
		write(t, conf, "options { forwarder { 10.79.0.2; }; };\n")
		defer write(t, conf, lab.Reference(t))
		status, found, _ := examine()
		wantProblem(t, status, found, "configuration", "unknown option 'forwarder'", "")
	})
	t.Run("a log that the service cannot write", func(t *testing.T) {
		dir := t.TempDir()
		open(t, dir)
		write(t, conf, strings.Replace(lab.Reference(t), "/var/log/named/bind.log", dir+"/bind.log", 1))
		defer write(t, conf, lab.Reference(t))
		_, found, _ := examine("-u", "nobody")
		for _, f := range found {
			if f.Check == "log files" && f.State == "warning" && strings.Contains(f.Seen, "channel 'simple_log': user nobody may not make a file in "+dir) {
				return
			}
		}
		t.Errorf("no warning of a log that cannot be written: %v", found)
	})
	if vpc.Total() == 0 {
		t.Error("the resolver was not asked")
	}
}

// examined is a finding as others read it.
type examined struct{ Check, State, Seen, Remedy string }

func problems(found []examined) (list []examined) {
	for _, f := range found {
		if f.State == "problem" {
			list = append(list, f)
		}
	}
	return list
}

func wantProblem(t *testing.T, status int, found []examined, check, sees, remedy string) {
	t.Helper()
	for _, f := range problems(found) {
		if f.Check == check && strings.Contains(f.Seen, sees) && strings.Contains(f.Remedy, remedy) {
			if status != 1 {
				t.Errorf("exit status %d with a problem, want 1", status)
			}
			return
		}
	}
	t.Errorf("no problem of %q says %q and %q: %v", check, sees, remedy, problems(found))
}

// A user who may not look into other processes is told so, and not that there is a
// problem.
func TestDoctorWithoutRoot(t *testing.T) {
	t.Parallel()
	workbench.NeedRoot(t)
	program := lab.BuildForwarder(t)
	open(t, filepath.Dir(program))
	server := freeAddr(t)
	_, upstream := startResolver(t)
	startForwarder(t, program, differentialText(upstream, ""), server)
	conf := writeConf(t, differentialText(upstream, ""), server)
	open(t, filepath.Dir(conf))
	as := workbench.Need(t, "setpriv")
	out, _ := exec.Command(as, "--reuid=nobody", "--clear-groups", program, "doctor", conf).CombinedOutput()
	want := "UDP " + host.Address(server) + " is taken by "
	if text := string(out); !strings.Contains(text, want) || strings.Contains(text, "(pid ") || strings.Contains(text, "PROBLEM") {
		t.Errorf("doctor says\n%s\nwant %q, no process that it cannot see, and no problem", text, want)
	}
}
