package lab

import (
	"testing"
	"time"
)

func TestStub(t *testing.T) {
	t.Parallel()
	network := NewNetwork(t)
	resolver := network.StartResolver(t)
	const resolvConf = "nameserver " + Resolver + "\n"
	program := BuildStub(t)
	stub := network.Corporate.StartStub(t, program, resolvConf)
	for name, stub := range map[string]*Stub{
		"C":         stub,
		"C or nscd": network.Corporate.StartNSCD(t, program, resolvConf, PlainSnippets(t)["nscd"]),
		"a JVM":     network.Corporate.StartJVM(t, resolvConf, ""),
	} {
		stub.hasAddresses(t, name)
	}
	before := resolver.Total()
	wait, stop := stub.Start(t, 100, func(int) string { return "myservice.awslab.mycompany.corp" })
	for deadline := time.Now().Add(20 * time.Second); resolver.Total() < before+10 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	if answers := wait(); len(answers) < 5 || len(answers.Failed()) > 0 {
		t.Errorf("Start() = %d answers, %d without an address, want all with one", len(answers), len(answers.Failed()))
	}
}

func (s *Stub) hasAddresses(t *testing.T, program string) {
	t.Helper()
	for name, want := range map[string]string{
		"myservice.awslab.mycompany.corp": "10.79.252.13",
		"www.awslab.mycompany.corp.":      "10.79.252.13",
		"nothing.awslab.mycompany.corp":   "invalid IP",
	} {
		if got := s.Ask(name); got.Address.String() != want || got.Name != name {
			t.Errorf("%s: Ask(%s) = %+v, want %s", program, name, got, want)
		}
	}
}
