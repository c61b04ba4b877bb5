package faults

import (
	"net/netip"
	"os/exec"
	"slices"
	"sync"
	"testing"

	"vpcdns/cmd/forwarder/lab"
)

// switching runs `failover switch`, which goes on while the audience looks.
type switching struct {
	*site
	*cloud
	program, key string
	flags        []string // more of the command line

	running sync.WaitGroup
	mu      sync.Mutex
	ended   []outcome
}

// outcome is how a run of failover ended.
type outcome struct {
	name           string
	to             netip.Addr
	code           int
	stdout, stderr string
}

func (s *site) newSwitching(t *testing.T, c *cloud) *switching {
	t.Helper()
	w := &switching{site: s, cloud: c}
	if s.ours() {
		w.program, w.key = s.failover(), lab.WriteKey(t)
	}
	t.Cleanup(w.running.Wait)
	return w
}

// change is what failover does. For others the record is changed, and nobody told.
func (w *switching) change(t *testing.T) change {
	t.Helper()
	return func(name string, to netip.Addr) {
		if !w.ours() {
			w.upsert(t, to, name)
			return
		}
		w.running.Go(func() {
			o := w.run(t, name, to)
			w.mu.Lock()
			defer w.mu.Unlock()
			w.ended = append(w.ended, o)
		})
	}
}

// run runs failover to its end.
func (w *switching) run(t *testing.T, name string, to netip.Addr) outcome {
	t.Helper()
	args := []string{"switch", "--name", name, "--address", to.String(), "--zone-id", w.cloud.zone, "--json",
		"--forwarder", lab.ForwarderA, "--forwarder", lab.ForwarderB, "--key", w.key}
	cmd := exec.Command(w.program, slices.Concat(args, w.flags)...)
	cmd.Env = []string{"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_REGION=us-east-1",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_ENDPOINT_URL_ROUTE_53=" + w.url, "HOME=" + t.TempDir()}
	o := outcome{name: name, to: to}
	o.code, o.stdout, o.stderr = w.Application.Run(t, cmd)
	return o
}

// outcomes waits until all runs have ended.
func (w *switching) outcomes() []outcome {
	w.running.Wait()
	return w.ended
}
