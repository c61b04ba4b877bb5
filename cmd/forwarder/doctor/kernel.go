package doctor

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vpcdns/forwarder/host"
	"vpcdns/forwarder/udp"
)

// readNumber reads a file of /proc that holds a number.
func readNumber(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// sysctl is the remedy that sets a parameter now and for the next start.
func sysctl(name string, value int) string {
	return fmt.Sprintf("sysctl -w %s=%d, and a line %s = %d in /etc/sysctl.d/forwarder.conf", name, value, name, value)
}

// checkBuffers: without CAP_NET_ADMIN, which the service has not, a socket gets no
// more than the system allows.
func checkBuffers(_ context.Context, _ *Machine, r *report) {
	for _, name := range []string{"rmem_max", "wmem_max"} {
		switch n, err := readNumber("/proc/sys/net/core/" + name); {
		case err != nil:
			r.add(Unseen, "", "net.core.%s: %v", name, err)
		case n < udp.DefaultBuffer:
			r.add(Warning, sysctl("net.core."+name, udp.DefaultBuffer), "net.core.%s allows %d KiB of the %d that a burst of queries may need", name, n>>10, udp.DefaultBuffer>>10)
		default:
			r.ok("net.core.%s allows %d KiB", name, n>>10)
		}
	}
}

// checkListenQueue: connections that come at once wait there.
func checkListenQueue(_ context.Context, m *Machine, r *report) {
	const enough = 1024
	want := max(enough, m.Config.TCP.Backlog)
	switch n, err := readNumber("/proc/sys/net/core/somaxconn"); {
	case err != nil:
		r.add(Unseen, "", "net.core.somaxconn: %v", err)
	case n < want:
		r.add(Warning, sysctl("net.core.somaxconn", max(want, 4096)), "net.core.somaxconn lets %d connections wait, fewer than may come at once", n)
	default:
		r.ok("net.core.somaxconn lets %d connections wait", n)
	}
}

const tracking = "/proc/sys/net/netfilter/nf_conntrack_"

// checkTracking: where packets are tracked each query takes an entry for half a
// minute, and when there is no room packets are dropped.
func checkTracking(_ context.Context, _ *Machine, r *report) {
	used, err := readNumber(tracking + "count")
	room, err2 := readNumber(tracking + "max")
	if err != nil || err2 != nil {
		r.ok("this host tracks no connections; a security group of EC2 may: an allowance tells")
		return
	}
	const few = 65536 // entries: 1024 queries a second for 30 s, from clients and to upstream
	percent := 100 * used / max(room, 1)
	remedy := sysctl("net.netfilter.nf_conntrack_max", max(4*few, 2*room)) + "; or do not track port 53"
	switch seen := fmt.Sprintf("%d of %d entries (%d %%) are used", used, room, percent); {
	case percent >= 90:
		r.add(Problem, remedy, "%s: packets are about to be dropped", seen)
	case percent >= 60 || room < few:
		r.add(Warning, remedy, "%s", seen)
	default:
		r.ok("%s", seen)
	}
}

// checkAllowances reads what EC2 has dropped, twice: whether it does so now counts.
func checkAllowances(ctx context.Context, _ *Machine, r *report) {
	var reader host.ENAReader
	before, err := reader.Read()
	if err != nil {
		r.add(Unseen, "", "%v", err)
		return
	}
	if len(before) == 0 {
		r.ok("there is no interface of EC2 (ENA)")
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
	after, err := reader.Read()
	if err != nil {
		r.add(Unseen, "", "%v", err)
		return
	}
	tellAllowances(r, before, after)
}

func tellAllowances(r *report, before, after []host.Exceeded) {
	for _, a := range after {
		i := slices.IndexFunc(before, func(b host.Exceeded) bool { return b.Interface == a.Interface && b.Allowance == a.Allowance })
		switch {
		case a.Packets == 0:
		case i >= 0 && a.Packets > before[i].Packets:
			r.add(Problem, allowanceRemedy(a.Allowance), "%s drops packets: %d in a second, %d since it came up (%s allowance)", a.Interface, a.Packets-before[i].Packets, a.Packets, a.Allowance)
		default:
			r.add(Warning, allowanceRemedy(a.Allowance), "%s has dropped %d packets since it came up, none now (%s allowance)", a.Interface, a.Packets, a.Allowance)
		}
	}
	if len(r.findings) == 0 {
		r.ok("none was exceeded")
	}
}

func allowanceRemedy(allowance string) string {
	switch allowance {
	case host.LinkLocal:
		return "1024 packets a second to the VPC resolver, metadata and time: see who else asks it, lower --upstream-pps"
	case "conntrack":
		return "make rules of the security group for port 53 untracked: any address, both ways"
	}
	return "a larger instance"
}

// checkClock: rndc takes no command from a clock that is 5 minutes off.
func checkClock(_ context.Context, _ *Machine, r *report) {
	switch ok, err := host.ClockSynchronized(); {
	case err != nil:
		r.add(Unseen, "", "%v", err)
	case !ok:
		r.add(Warning, "systemctl enable --now chronyd; chronyc sources", "nothing sets the clock: rndc fails once it is 300 s off, and logs lie")
	default:
		r.ok("it is synchronised")
	}
}

// checkFiles holds the limit of this process to what the server may need.
func checkFiles(_ context.Context, m *Machine, r *report) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		r.add(Unseen, "", "%v", err)
		return
	}
	if limit.Max < uint64(m.Descriptors) {
		r.add(Warning, "LimitNOFILE= of the service, ulimit -Hn here", "%d can be open in this session, and %d may be needed", limit.Max, m.Descriptors)
		return
	}
	r.ok("%d may be needed; here %d can be open", m.Descriptors, limit.Max)
}

// checkMemory says what max-cache-size comes to.
func checkMemory(_ context.Context, m *Machine, r *report) {
	memory := host.Memory()
	size, room := uint64(max(m.Config.Cache.MaxSize, 0)), host.CacheRoom(memory)
	if size == 0 || size > room {
		r.add(Warning, fmt.Sprintf("max-cache-size %dM", room>>20), "max-cache-size is more than the %d MiB that %d MiB of memory have room for", room>>20, memory>>20)
		return
	}
	const small = 32 << 20
	if size < small {
		r.add(Warning, "more memory (MemoryMax= of the service), or max-cache-size", "the cache has %d MiB of %d: names are forgotten before their time", size>>20, memory>>20)
		return
	}
	r.ok("the cache takes %d MiB at most, of %d", size>>20, memory>>20)
}
