package host

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"vpcdns/forwarder/workbench"
)

// The kernel tells of our own sockets what it tells of others'.
func TestSocketGroups(t *testing.T) {
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	groups, err := SocketGroups()
	if err != nil {
		workbench.Skip(t, "the kernel does not tell: %v", err)
	}
	var ids []uint64
	for _, s := range []interface{ File() (*os.File, error) }{udp, tcp} {
		f, err := s.File()
		if err != nil {
			t.Fatal(err)
		}
		link, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		inode := strings.Trim(link, "socket:[]")
		id, ok := groups[inode]
		if !ok {
			t.Fatalf("SocketGroups() lacks socket %s: %v", inode, groups)
		}
		ids = append(ids, id)
	}
	if ids[0] != ids[1] || ids[0] == 0 {
		t.Errorf("sockets of one process are of groups %v, want one", ids)
	}
}

// Whatever stands before it, the group is found if the attributes are whole.
func FuzzGroupOf(f *testing.F) {
	f.Add([]byte{8}, uint64(0x57f9))
	f.Add([]byte{}, uint64(1))
	f.Fuzz(func(t *testing.T, before []byte, want uint64) {
		groupOf(before) // as attributes: junk
		e := binary.NativeEndian
		var attrs []byte
		if len(before) > 0 && len(before) < 1000 {
			attrs = e.AppendUint16(attrs, uint16(4+len(before)))
			attrs = e.AppendUint16(attrs, 8)
			attrs = append(attrs, before...)
			attrs = append(attrs, make([]byte, (4-len(attrs)%4)%4)...)
		}
		attrs = e.AppendUint16(attrs, 12)
		attrs = e.AppendUint16(attrs, diagCgroup)
		attrs = e.AppendUint64(attrs, want)
		if got, ok := groupOf(attrs); !ok || got != want {
			t.Errorf("groupOf(%x) = %d, %v, want %d", attrs, got, ok, want)
		}
	})
}
