package main

import (
	"os/exec"
	"strings"
	"testing"

	"vpcdns/forwarder/workbench"
)

// The agent keeps to OCF's rules. What it starts has the name then, and what it stops
// has not.
func TestOCFAgent(t *testing.T) {
	workbench.NeedRoot(t)
	tester := workbench.Need(t, "ocf-tester")
	workbench.Need(t, "xmllint") // which it uses
	n := newNode(t)
	agent := readable(t, n.dir, "ocf")
	args := []string{tester, "-n", "app", "-o", "name=" + app, "-o", "zone=awslab.mycompany.corp",
		"-o", "address=" + hookOwn, "-o", "parking=" + hookParking, agent}
	out, err := n.run(t, nil, args...)
	if err != nil || !strings.HasSuffix(strings.TrimSpace(out), " passed all tests") {
		t.Errorf("ocf-tester: %v\n%s", err, out)
	}
	if got := n.value(t); got != hookParking {
		t.Errorf("%s has %s at the end, want %s", app, got, hookParking)
	}
}

func TestOCFAgentCalls(t *testing.T) {
	workbench.NeedRoot(t)
	workbench.Need(t, "ocf-tester") // which comes with the functions that the agent uses
	n := newNode(t)
	agent := hook(t, "ocf")
	const generic, unimplemented, installed, configured, notRunning = 1, 3, 5, 6, 7
	parameters := []string{"OCF_ROOT=/usr/lib/ocf", "HA_RSCTMP=" + t.TempDir(), "OCF_RESOURCE_INSTANCE=app", "OCF_RESKEY_name=" + app,
		"OCF_RESKEY_options=--api-timeout 3s --address " + hookOwn}
	for _, tt := range []struct {
		name, action string
		more         string // of the environment
		status       int
		want         string
	}{
		{"nothing is there", "monitor", "", notRunning, hookOther},
		{"no name", "validate-all", "OCF_RESKEY_name=", configured, hookOther},
		{"no program", "start", "OCF_RESKEY_binary=/nowhere/failover", installed, hookOther},
		{"another zone", "start", "OCF_RESKEY_options=--zone=other.corp", generic, hookOther},
		{"that is no start", "monitor", "", notRunning, hookOther},
		{"start", "start", "", 0, hookOwn},
		{"again", "start", "", 0, hookOwn},
		{"a forwarder is gone", "start", "OCF_RESKEY_options=--forwarder=127.0.0.1:1 OCF_RESKEY_address=" + hookOwn, 0, hookOwn},
		{"runs", "monitor", "", 0, hookOwn},
		{"without the API", "monitor", "AWS_ENDPOINT_URL=http://127.0.0.1:1", 0, hookOwn},
		{"stop leaves the name", "stop", "", 0, hookOwn},
		{"stopped", "monitor", "", notRunning, hookOwn},
		{"start again", "start", "", 0, hookOwn},
		{"stop parks it", "stop", "OCF_RESKEY_parking=" + hookParking, 0, hookParking},
		{"start anew", "start", "", 0, hookOwn},
		{"stop without the API", "stop", "AWS_ENDPOINT_URL=http://127.0.0.1:1 OCF_RESKEY_parking=" + hookParking, 0, hookOwn},
		{"stopped all the same", "monitor", "", notRunning, hookOwn},
		{"what it does not do", "promote", "", unimplemented, hookOwn},
	} {
		out, err := n.run(t, append(parameters, strings.Fields(tt.more)...), agent, tt.action)
		status := 0
		if exit, ok := err.(*exec.ExitError); ok {
			status = exit.ExitCode()
		}
		if got := n.value(t); status != tt.status || got != tt.want {
			t.Errorf("%s: %s ended with %d, %s, want %d, %s\n%s", tt.name, tt.action, status, got, tt.status, tt.want, out)
		}
	}
}
