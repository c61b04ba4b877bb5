package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Rows as the kernel of a little-endian machine prints them.
const procUDP = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  331: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   102        0 4711 2 0000000000000000 0
  332: 0100007F:C001 0A4F0002:0035 01 00000000:00000000 00:00000000 00000000   102        0 4712 2 0000000000000000 0
garbage
  333: XX:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   102        0 4713 2 0000000000000000 0
`

const procTCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:03B9 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 9022 1 0000000000000000 100 0 0 10 0
   1: B80D01200000000000000000AB000000:0035 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 9023 1 0000000000000000 100 0 0 10 0
`

func TestReadSockets(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the rows are of a little-endian machine")
	}
	tests := []struct {
		name, network, table string
		want                 []socket
	}{
		{name: "udp", network: "udp", table: procUDP, want: []socket{{"udp", netip.MustParseAddrPort("127.0.0.1:53"), "4711", "102"}}},
		{name: "tcp6", network: "tcp", table: procTCP6, want: []socket{
			{"tcp", netip.MustParseAddrPort("[::1]:953"), "9022", "0"},
			{"tcp", netip.MustParseAddrPort("[2001:db8::ab]:53"), "9023", "0"}}},
		{name: "empty", network: "udp"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := readSockets(strings.NewReader(test.table), test.network); !slices.Equal(got, test.want) {
				t.Errorf("readSockets = %v, want %v", got, test.want)
			}
		})
	}
}

// What the kernel would print for an address is read as that address.
func FuzzParseProcAddr(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1}, uint16(53), "0100007F:0035")
	f.Add(make([]byte, 16), uint16(0), ":")
	f.Fuzz(func(t *testing.T, octets []byte, port uint16, junk string) {
		if got, ok := parseProcAddr(junk); ok && !got.IsValid() {
			t.Errorf("parseProcAddr(%q) = %v, want a valid address or none", junk, got)
		}
		addr, ok := netip.AddrFromSlice(octets)
		if !ok {
			return
		}
		var text strings.Builder
		for i := 0; i < len(octets); i += 4 {
			fmt.Fprintf(&text, "%08X", binary.NativeEndian.Uint32(octets[i:]))
		}
		fmt.Fprintf(&text, ":%04X", port)
		want := netip.AddrPortFrom(addr, port)
		if got, ok := parseProcAddr(text.String()); !ok || got != want {
			t.Errorf("parseProcAddr(%q) = %v, %v, want %v", text.String(), got, ok, want)
		}
	})
}

func TestHoldersLeaveUsOut(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	addr := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	if got := holders([]uint16{addr.Port()}); got != nil {
		t.Errorf("holders(%d) = %q, want none: the socket is ours", addr.Port(), got)
	}
	if got := sharers([]netip.AddrPort{addr}); got != nil {
		t.Errorf("sharers(%v) = %q, want none: the socket is ours", addr, got)
	}
}

// A child has the sockets; the parent names it, as a terminal may have its name.
func TestHolders(t *testing.T) {
	packets, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		t.Fatal(err)
	}
	addr := packets.LocalAddr().(*net.UDPAddr).AddrPort()
	file, err := packets.File()
	if err != nil {
		t.Fatal(err)
	}
	packets.Close()
	sleep, err := exec.LookPath("sleep")
	odd := filepath.Join(t.TempDir(), "sl\x1beep")
	if err := errors.Join(err, os.Symlink(sleep, odd)); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(odd, "60")
	child.ExtraFiles = append(child.ExtraFiles, file)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	file.Close()
	defer child.Wait()
	defer child.Process.Kill()

	want := []string{fmt.Sprintf("UDP 127.0.0.1#%d is taken by sl?eep (pid %d)", addr.Port(), child.Process.Pid)}
	if got := holders([]uint16{addr.Port()}); !slices.Equal(got, want) {
		t.Errorf("holders(%d) = %q, want %q", addr.Port(), got, want)
	}
	if got := sharers([]netip.AddrPort{addr}); !slices.Equal(got, want) {
		t.Errorf("sharers(%v) = %q, want %q", addr, got, want)
	}
	elsewhere := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), addr.Port())
	if got := sharers([]netip.AddrPort{elsewhere}); got != nil {
		t.Errorf("sharers(%v) = %q, want none", elsewhere, got)
	}
}
