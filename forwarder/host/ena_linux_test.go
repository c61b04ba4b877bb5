package host

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// card is an interface as its driver tells.
type card struct {
	driver string
	names  []string
	values []uint64
	grows  bool // has one statistic more than it said
	broken bool // tells its driver and no more
}

var errBroken = errors.New("input/output error")

// cards is a fake ethtool.
type cards map[string]*card

func (c cards) interfaces() ([]string, error) {
	var names []string
	for _, name := range []string{"lo", "eth0", "eth1", "veth0"} {
		if c[name] != nil {
			names = append(names, name)
		}
	}
	return names, nil
}

func (c cards) driver(name string) (string, int, error) {
	d := c[name]
	if d == nil {
		return "", 0, unix.ENODEV
	}
	if d.driver == "" {
		return "", 0, unix.EOPNOTSUPP
	}
	n := len(d.names)
	if d.grows {
		n--
	}
	return d.driver, n, nil
}

func (c cards) call(name string, buf []byte) error {
	d := c[name]
	if d.broken {
		return errBroken
	}
	switch binary.NativeEndian.Uint32(buf) {
	case unix.ETHTOOL_GSTRINGS:
		binary.NativeEndian.PutUint32(buf[8:], uint32(len(d.names)))
		for i, n := range d.names {
			copy(buf[namesHead+i*nameLen:], n)
		}
	case unix.ETHTOOL_GSTATS:
		binary.NativeEndian.PutUint32(buf[4:], uint32(len(d.values)))
		for i, v := range d.values {
			binary.NativeEndian.PutUint64(buf[valuesHead+i*8:], v)
		}
	default:
		return unix.EINVAL
	}
	return nil
}

// elastic is the part of an ENA's statistics that matters, among others.
func elastic(linklocal uint64) *card {
	return &card{
		driver: "ena",
		names: []string{"tx_timeout", "bw_in_allowance_exceeded", "pps_allowance_exceeded",
			"conntrack_allowance_available", "linklocal_allowance_exceeded", "queue_0_tx_cnt"},
		values: []uint64{1, 2, 3, 4, linklocal, 6},
	}
}

func TestRead(t *testing.T) {
	of := func(name string, linklocal uint64) []Exceeded {
		return []Exceeded{{name, "bw_in", 2}, {name, "pps", 3}, {name, LinkLocal, linklocal}}
	}
	grown := elastic(5)
	grown.grows = true
	old := &card{driver: "ena", names: []string{"tx_timeout", "rx_drops"}, values: []uint64{1, 2}}
	other := elastic(5)
	other.driver = "virtio_net"
	tests := []struct {
		name  string
		cards cards
		want  []Exceeded
	}{
		{"no interface", cards{}, nil},
		{"another driver", cards{"lo": {}, "eth0": other}, nil},
		{"one", cards{"lo": {}, "eth0": elastic(5)}, of("eth0", 5)},
		{"two", cards{"eth0": elastic(5), "eth1": elastic(1 << 40)}, append(of("eth0", 5), of("eth1", 1<<40)...)},
		{"a driver of before allowances", cards{"eth0": old}, nil},
		{"a queue added meanwhile", cards{"eth0": grown}, of("eth0", 5)},
		{"no statistics", cards{"eth0": {driver: "ena"}}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := new(ENAReader).read(test.cards, test.cards.interfaces)
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("read = %v, %v, want %v", got, err, test.want)
			}
		})
	}
}

// Interfaces that come are seen after a while, one that went or failed at once.
func TestReadFollowsInterfaces(t *testing.T) {
	var r ENAReader
	c := cards{"eth0": elastic(5)}
	count := func() int {
		t.Helper()
		list, err := r.read(c, c.interfaces)
		if err != nil {
			t.Fatal(err)
		}
		return len(list) / 3
	}
	if n := count(); n != 1 {
		t.Fatalf("%d interfaces were read, want 1", n)
	}
	c["eth1"] = elastic(7)
	for range lookEvery - 1 {
		if n := count(); n != 1 {
			t.Fatalf("%d interfaces were read, want 1: it is too early to look", n)
		}
	}
	if n := count(); n != 2 {
		t.Errorf("%d interfaces were read, want 2", n)
	}
	delete(c, "eth0")
	if _, err := r.read(c, c.interfaces); err == nil {
		t.Error("read with an interface gone = nil, want an error")
	}
	if n := count(); n != 1 {
		t.Errorf("%d interfaces were read after one was gone, want 1", n)
	}
	c["eth1"].broken = true
	if _, err := r.read(c, c.interfaces); !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "eth1") {
		t.Errorf("read of a broken interface = %v, want %v with its name", err, errBroken)
	}
}

// TestReadHost: whatever this host has, reading does no harm.
func TestReadHost(t *testing.T) {
	if _, err := new(ENAReader).Read(); err != nil {
		t.Errorf("Read = %v", err)
	}
}

// TestKernel reads the statistics of a pair of veths, of which the first is the
// number of the other end.
func TestKernel(t *testing.T) {
	enterNamespace(t)
	if out, err := exec.Command("ip", "link", "add", "left", "type", "veth", "peer", "name", "right").CombinedOutput(); err != nil {
		t.Skipf("no veths here: %v: %s", err, out)
	}
	right, err := net.InterfaceByName("right")
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	k := kernel(fd)
	if d, n, err := k.driver("left"); d != "veth" || n == 0 || err != nil {
		t.Errorf("driver(left) = %q, %d, %v, want veth with statistics", d, n, err)
	}
	names, values, err := statisticsOf(k, "left")
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range statistics(names, values) {
		if name != "peer_ifindex" || v != uint64(right.Index) {
			t.Errorf("the first statistic is %s = %d, want peer_ifindex = %d", name, v, right.Index)
		}
		break
	}
	if len(values) == 0 || len(names)/nameLen != len(values)/8 {
		t.Errorf("%d names and %d values, want as many of both", len(names)/nameLen, len(values)/8)
	}
	if _, _, err := statisticsOf(k, "none"); !errors.Is(err, unix.ENODEV) {
		t.Errorf("statisticsOf(none) = %v, want ENODEV", err)
	}
}

// enterNamespace gives the test's thread a network of its own. The thread ends
// with the test.
func enterNamespace(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("no network namespaces here: %v", err)
	}
}

func BenchmarkRead(b *testing.B) {
	var r ENAReader
	for b.Loop() {
		if _, err := r.Read(); err != nil {
			b.Fatal(err)
		}
	}
}
