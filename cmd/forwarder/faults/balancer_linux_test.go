package faults

import (
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// balancer is what a Network Load Balancer does for a target group of TCP_UDP: a new
// flow (a client's address and port) goes to one of the healthy targets and stays
// there; the client's address is kept; health is asked for over HTTP. It is nftables
// at the router, and connection tracking is its flow table. Times are shorter.
type balancer struct {
	router *lab.Namespace
	http   *http.Client
	vip    string // the address that clients ask

	mu      sync.Mutex // held while rules are changed, too
	targets []*target
	ever    []string // addresses that were registered
}

// target is a member as the balancer has it.
type target struct {
	address string
	checked int // the last checks in a row that ended otherwise than healthy says
	healthy bool
}

const (
	// checkEvery is 5 s at a real one. A newcomer is ready threshold checks before it
	// gets flows, and asks the other members again in less.
	checkEvery = 2500 * time.Millisecond
	// threshold is how many checks change what is thought of a target.
	threshold = 2
	// checkTimeout is longer than the second for which a process that starts has
	// those wait who ask whether it is ready.
	checkTimeout = 2 * time.Second
	healthPort   = 8053
)

// newBalancer checks its targets until the end of the test.
func newBalancer(t *testing.T, router *lab.Namespace, vip string) *balancer {
	t.Helper()
	workbench.Need(t, "nft")
	workbench.Need(t, "conntrack")
	b := &balancer{router: router, http: router.HTTP(t, checkTimeout), vip: vip}
	done := make(chan struct{})
	var checking sync.WaitGroup
	checking.Go(func() { b.check(t, done) })
	t.Cleanup(func() {
		close(done)
		checking.Wait()
	})
	return b
}

// register adds a target, which gets flows once it is healthy.
func (b *balancer) register(address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.targets = append(b.targets, &target{address: address})
	b.ever = append(b.ever, address)
}

// deregister keeps new flows from a target, and ends those that it has after the
// delay, as deregistration_delay.connection_termination.enabled does.
func (b *balancer) deregister(t *testing.T, address string, delay time.Duration) {
	t.Helper()
	b.mu.Lock()
	b.targets = slices.DeleteFunc(b.targets, func(g *target) bool { return g.address == address })
	b.route(t)
	b.mu.Unlock()
	time.Sleep(delay)
	b.endFlows(t, address)
}

// endFlows makes the next packet of each flow of the target a new flow.
func (b *balancer) endFlows(t *testing.T, address string) {
	t.Helper()
	code, out, errs := b.router.Run(t, exec.Command("conntrack", "-D", "--reply-src", address))
	if code != 0 && !strings.Contains(errs, "0 flow entries") {
		t.Errorf("conntrack -D = %d, %s%s", code, out, errs)
	}
}

// check asks each target in turn.
func (b *balancer) check(t *testing.T, done <-chan struct{}) {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-done:
			return
		}
		b.mu.Lock()
		targets := slices.Clone(b.targets)
		b.mu.Unlock()
		for _, g := range targets {
			b.learn(t, g, b.ready(g.address))
		}
	}
}

// ready reports whether a target answers 200. A dead one answers nothing.
func (b *balancer) ready(address string) bool {
	reply, err := b.http.Get(fmt.Sprintf("http://%s:%d/readyz", address, healthPort))
	if err != nil {
		return false
	}
	reply.Body.Close()
	return reply.StatusCode == http.StatusOK
}

// learn takes the result of a check.
func (b *balancer) learn(t *testing.T, g *target, ready bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ready == g.healthy {
		g.checked = 0
		return
	}
	if g.checked++; g.checked < threshold {
		return
	}
	g.checked, g.healthy = 0, ready
	if !slices.Contains(b.targets, g) {
		return
	}
	b.route(t)
	if !ready { // target_health_state.unhealthy.connection_termination.enabled
		b.endFlows(t, g.address)
	}
}

// route sends new flows to the healthy targets, or to all if none is. It needs mu.
func (b *balancer) route(t *testing.T) {
	t.Helper()
	var to []string
	for _, g := range b.targets {
		if g.healthy {
			to = append(to, g.address)
		}
	}
	if len(to) == 0 {
		for _, g := range b.targets {
			to = append(to, g.address)
		}
	}
	for i := range to {
		to[i] = fmt.Sprintf("%d : %s", i, to[i])
	}
	// What is answered on a flow that has just been ended arrives too: connection tracking
	// has forgotten whose address it is to have.
	cmd := exec.Command("nft", "-f", "-")
	cmd.Stdin = strings.NewReader(fmt.Sprintf(`add table ip balancer
flush table ip balancer
table ip balancer {
	chain late {
		type filter hook prerouting priority mangle;
		ip saddr { %s } udp sport 53 ct state new ip saddr set %s
	}
	chain flows {
		type nat hook prerouting priority dstnat;
		ip daddr %s meta l4proto { tcp, udp } th dport 53 dnat to jhash ip saddr . th sport mod %d map { %s }
	}
}
`, strings.Join(b.ever, ", "), b.vip, b.vip, len(to), strings.Join(to, ", ")))
	if code, out, errs := b.router.Run(t, cmd); code != 0 {
		t.Errorf("nft = %d, %s%s", code, out, errs)
	}
}

// waitHealthy waits until that many targets are.
func (b *balancer) waitHealthy(t *testing.T, n int) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if got := b.healthy(); got == n {
			return
		} else if time.Now().After(deadline) {
			t.Fatalf("%d targets are healthy, want %d", got, n)
		}
	}
}

func (b *balancer) healthy() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, g := range b.targets {
		if g.healthy {
			n++
		}
	}
	return n
}
