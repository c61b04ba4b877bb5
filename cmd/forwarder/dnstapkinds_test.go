package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	pb "github.com/dnstap/golang-dnstap"
	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
)

// What is forwarded has the kind that named 9.20 gives it where the configuration asks
// for that one, and that of 9.18 else.
func TestDnstapForwarder(t *testing.T) {
	t.Parallel()
	_, upstream := startResolver(t)
	for kinds, want := range map[string]string{
		"client response; forwarder;":         "FORWARDER_QUERY FORWARDER_RESPONSE CLIENT_RESPONSE",
		"forwarder query;":                    "FORWARDER_QUERY",
		"forwarder; resolver;":                "RESOLVER_QUERY RESOLVER_RESPONSE",
		"forwarder query; resolver response;": "FORWARDER_QUERY RESOLVER_RESPONSE",
	} {
		addr := freeAddr(t)
		file := writeConf(t, differentialText(upstream, fmt.Sprintf(`dnstap { %s }; dnstap-output file "{dir}/tap";`, kinds)), addr)
		p := lab.Start(t, "the forwarder", exec.Command(lab.BuildForwarder(t), "-g", "--metrics-address=", "-c", file))
		p.WaitFor(t, addr)
		exchange(usual("large.awslab.mycompany.corp.", dns.TypeTXT).pack(), addr, probe{}, faultWait)
		p.Signal(t, syscall.SIGTERM)
		<-p.Exited
		got := kindsOf(tappedFrames(t, filepath.Join(filepath.Dir(file), "tap")), "large.")
		if words := strings.Fields(want); !slices.Equal(got, sorted(words)) {
			t.Errorf("dnstap { %s } taps %q, want %q", kinds, got, words)
		}
	}
}

// kindsOf are those of the messages about a name, each once.
func kindsOf(list []*pb.Dnstap, name string) (kinds []string) {
	for _, f := range list {
		msg := new(dns.Msg)
		if msg.Unpack(octetsOf(f.Message)) == nil && strings.HasPrefix(msg.Question[0].Name, name) {
			kinds = append(kinds, f.Message.GetType().String())
		}
	}
	return slices.Compact(sorted(kinds))
}

func sorted(words []string) []string {
	slices.Sort(words)
	return words
}
