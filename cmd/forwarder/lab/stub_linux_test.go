package lab

import (
	"testing"
	"time"
)

func TestStub(t *testing.T) {
	t.Parallel()
	network := NewNetwork(t)
	resolver := network.StartResolver(t)
	stub := network.Corporate.StartStub(t, BuildStub(t), "nameserver "+Resolver+"\n")
	for name, want := range map[string]string{
		"myservice.awslab.mycompany.corp": "10.79.252.13",
		"www.awslab.mycompany.corp.":      "10.79.252.13",
		"nothing.awslab.mycompany.corp":   "invalid IP",
	} {
		if got := stub.Ask(name); got.Address.String() != want || got.Name != name {
			t.Errorf("Ask(%s) = %+v, want %s", name, got, want)
		}
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
