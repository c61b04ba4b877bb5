package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	pb "github.com/dnstap/golang-dnstap"
	"github.com/miekg/dns"
	"google.golang.org/protobuf/proto"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// tappedFrames are the messages in a file, which must be whole.
func tappedFrames(t *testing.T, path string) (list []*pb.Dnstap) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := pb.NewReader(f, nil)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	buf := make([]byte, 1<<17)
	for {
		n, err := r.ReadFrame(buf)
		if err == io.EOF {
			return list
		}
		frame := new(pb.Dnstap)
		if err := cmpErr(err, proto.Unmarshal(buf[:n], frame)); err != nil {
			t.Fatalf("%s, behind %d frames: %v", path, len(list), err)
		}
		list = append(list, frame)
	}
}

func cmpErr(list ...error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

func octetsOf(m *pb.Message) []byte {
	return append(slices.Clone(m.QueryMessage), m.ResponseMessage...)
}

// clientLine is what must be the same of a client's message in both taps: all but its
// port and times, and what a response says, which other tests compare. The octets of a
// query are as they were sent.
func clientLine(f *pb.Dnstap) string {
	m := f.Message
	client, _ := netip.AddrFromSlice(m.QueryAddress)
	server, _ := netip.AddrFromSlice(m.ResponseAddress)
	return fmt.Sprintf("%d %v %v %v %v>%v, zone %x, query %x at %v, response at %v, port %v, by %s %s",
		binary.BigEndian.Uint16(octetsOf(m)), m.GetType(), m.GetSocketFamily(), m.GetSocketProtocol(), client, server, m.QueryZone, m.QueryMessage,
		m.QueryTimeNsec != nil && m.QueryTimeSec != nil, m.ResponseTimeNsec != nil && m.ResponseTimeSec != nil, m.GetQueryPort() > 0, f.Identity, f.Version)
}

// upstreamLine is that of what was asked upstream: IDs, cookies and our address, which
// named does not know, are apart.
func upstreamLine(m *pb.Message) string {
	msg := new(dns.Msg)
	if msg.Unpack(octetsOf(m)) != nil || len(msg.Question) == 0 {
		return ""
	}
	server, _ := netip.AddrFromSlice(m.ResponseAddress)
	return fmt.Sprintf("%v %v %v %v#%d, zone %x, %s, asked at %v, answered at %v, flags %t %t, rcode %d",
		m.GetType(), m.GetSocketFamily(), m.GetSocketProtocol(), server, m.GetResponsePort(), m.QueryZone, msg.Question[0].String(),
		m.QueryTimeNsec != nil, m.ResponseTimeNsec != nil, msg.RecursionDesired, msg.Truncated, msg.Rcode)
}

// tapLines splits a tap into lines about clients and about what was asked for a name.
func tapLines(frames []*pb.Dnstap, name string) (clients, upstream []string) {
	for _, f := range frames {
		switch f.Message.GetType() {
		case pb.Message_RESOLVER_QUERY, pb.Message_RESOLVER_RESPONSE:
			if line := upstreamLine(f.Message); strings.Contains(line, name) {
				upstream = append(upstream, line)
			}
		default:
			clients = append(clients, clientLine(f))
		}
	}
	slices.Sort(clients)
	slices.Sort(upstream)
	return clients, upstream
}

// The same queries are tapped as named taps them, message by message; and what is
// tapped as a response is what the client got.
func TestDnstapAsNamed(t *testing.T) {
	t.Parallel()
	program, read := workbench.Need(t, "named"), workbench.Need(t, "dnstap-read")
	_, upstream := startResolver(t)
	for _, way := range loggedWays {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			needAddr(t, way.addr)
			conf := way.conf(upstream, `require-server-cookie yes; dnstap { all; }; dnstap-output file "{dir}/tap"; dnstap-identity "here"; dnstap-version "1";`)
			probes := way.probes()
			if way.name == "IPv4" {
				probes = every(4, probes)
			}
			compareTaps(t, [2]string{program, read}, conf, [2]netip.AddrPort{freeAddrAt(t, way.addr), freeAddrAt(t, way.addr)}, probes)
		})
	}
}

// compareTaps asks named, and the forwarder, and compares what they tap. programs are
// named and dnstap-read.
func compareTaps(t *testing.T, programs [2]string, conf string, addrs [2]netip.AddrPort, probes []probe) {
	t.Helper()
	var paths [2]string
	var servers [2]*lab.Process
	for i, path := range []string{programs[0], lab.BuildForwarder(t)} {
		file := writeConf(t, conf, addrs[i])
		paths[i] = filepath.Join(filepath.Dir(file), "tap")
		servers[i] = lab.Start(t, path, exec.Command(path, "-g", "-c", file))
		servers[i].WaitFor(t, addrs[i])
	}
	got := make(map[string]bool)
	large := usual("large.awslab.mycompany.corp.", dns.TypeTXT)
	probes = append(probes, overBoth("once", large.pack())...)
	for _, class := range []uint16{dns.ClassINET, dns.ClassCHAOS} {
		zone := record(stableName, dns.TypeSOA, class, nil)
		probes = append(probes, probe{title: "update", packet: opcodeMessage(dns.OpcodeUpdate, zone, [3][][]byte{})})
		probes = append(probes, probe{title: "signed update", packet: opcodeMessage(dns.OpcodeUpdate, zone, [3][][]byte{2: {signatures()["TSIG"]}})})
	}
	for i, p := range probes {
		p.packet = slices.Clone(p.packet)
		p.packet[0], p.packet[1] = byte(i>>8)|0x40, byte(i)
		theirs, reply := exchange(p.packet, addrs[0], p, faultWait).packet, exchange(p.packet, addrs[1], p, faultWait).packet
		if (theirs == nil) != (reply == nil) {
			t.Logf("query %d, %s (over TCP: %t): named sent %d octets, we %d", i, p.title, p.tcp, len(theirs), len(reply))
		}
		got[string(reply)] = true
	}
	for _, p := range servers {
		p.Signal(t, syscall.SIGTERM)
		<-p.Exited
	}
	named, ours := ofProbes(tappedFrames(t, paths[0])), ofProbes(tappedFrames(t, paths[1]))
	wantClients, wantUpstream := tapLines(named, "large.")
	clients, asked := tapLines(ours, "large.")
	compareLines(t, "of clients", clients, wantClients)
	compareLines(t, "to upstream", asked, wantUpstream)
	if len(clients) < 100 || len(asked) == 0 {
		t.Errorf("%d messages of clients for %d queries, %d to upstream", len(clients), len(probes), len(asked))
	}
	for _, f := range ours {
		m := f.Message
		if r := m.ResponseMessage; r != nil && m.GetType() != pb.Message_RESOLVER_RESPONSE && !got[string(r)] {
			t.Errorf("no client got %s: %x", clientLine(f), r)
		}
	}
	for i, list := range [][]*pb.Dnstap{named, ours} {
		out, err := exec.Command(programs[1], paths[i]).Output()
		if n := bytes.Count(out, []byte("\n")); err != nil || n < len(list)*9/10 { // what it cannot parse has no line
			t.Errorf("dnstap-read has %d lines of %d messages, %v", n, len(list), err)
		}
	}
}

// ofProbes leaves out what came before the probes: whether the server is there yet.
func ofProbes(list []*pb.Dnstap) []*pb.Dnstap {
	return slices.DeleteFunc(list, func(f *pb.Dnstap) bool {
		m := f.Message
		isUpstream := m.GetType() == pb.Message_RESOLVER_QUERY || m.GetType() == pb.Message_RESOLVER_RESPONSE
		return !isUpstream && octetsOf(m)[0]&0xfc != 0x40
	})
}

func compareLines(t *testing.T, what string, got, want []string) {
	t.Helper()
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("messages %s: named alone has\n%s", what, line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("messages %s: we alone have\n%s", what, line)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d messages %s, want %d", len(got), what, len(want))
	}
}

// The tap is driven as named's: rndc begins other files, a reload turns it off and on,
// a reader comes and goes, and what cannot be written is told with what to do.
func TestDnstapLife(t *testing.T) {
	t.Parallel()
	rndc, capture := []string{workbench.Need(t, "rndc")}, workbench.Need(t, "fstrm_capture")
	c := newControlConf(t)
	plain, err := os.ReadFile(c.conf)
	if err != nil {
		t.Fatal(err)
	}
	tap := func(options string) {
		write(t, c.conf, strings.Replace(string(plain), "options {", "options { "+options, 1))
	}
	file, socket := filepath.Join(c.dir, "taps", "tap"), filepath.Join(c.dir, "s")
	tap(`dnstap { auth; client; }; fstrm-set-reopen-interval 1; dnstap-output file "` + file + `" versions 2;`)
	c.Process = lab.Start(t, "the forwarder", exec.Command(lab.BuildForwarder(t), "-g", "--metrics-address=", "-c", c.conf))
	c.WaitToSay(t, "command channel listening on 127.0.0.3#")
	c.WaitToSay(t, "opening dnstap destination '"+file+"'")
	run := func(wantCode int, want string, args ...string) {
		t.Helper()
		if code, stdout, stderr := c.rndcAt(t, rndc, "127.0.0.5", args...); code != wantCode || !strings.Contains(stdout+stderr, want) {
			t.Errorf("rndc %q = %d, %q, want %d, %q", args, code, stdout+stderr, wantCode, want)
		}
	}
	id := uint16(0)
	ask := func() {
		q := usual("www.here.test.", dns.TypeA)
		packet := q.pack()
		id++
		binary.BigEndian.PutUint16(packet, id)
		if exchange(packet, c.addr, probe{}, faultWait).packet == nil {
			t.Error("no reply")
		}
	}
	ids := func(path string) string { return idsOf(tappedFrames(t, path)) }
	want := func(path, ids, got string) {
		t.Helper()
		if got != ids {
			t.Errorf("%s has the queries %q, want %q", path, got, ids)
		}
	}
	ask()
	run(0, "", "dnstap", "-reopen")
	ask()
	run(0, "", "dnstap", "-roll", "5")
	ask()
	run(1, "not a valid number", "dnstap", "-roll", "x")
	run(1, "unexpected end of input", "dnstap")
	run(1, "syntax error", "dnstap", "-close")
	write(t, c.conf, string(plain))
	run(0, "", "reload")
	c.WaitToSay(t, "closing dnstap destination '"+file+"'")
	run(1, "not found", "dnstap", "-roll")
	ask() // 4: nobody sees it
	want(file, "3", ids(file))
	want(file+".0", "2", ids(file+".0"))
	want(file+".1", "1", ids(file+".1"))

	tap(`dnstap { client query; }; fstrm-set-reopen-interval 1; dnstap-output unix "` + socket + `";`)
	run(0, "", "reload")
	c.WaitToSay(t, "dnstap: no message can be written to "+socket)
	c.WaitToSay(t, "start its reader, as fstrm_capture -t protobuf:dnstap.Dnstap -u "+socket+" -w FILE; queries are answered all the same")
	ask() // 5: it waits for a reader
	captured := filepath.Join(c.dir, "captured")
	reader := lab.Start(t, "fstrm_capture", exec.Command(capture, "-t", "protobuf:dnstap.Dnstap", "-u", socket, "-w", captured))
	c.WaitToSay(t, "dnstap: messages are written to "+socket+" again, 0 were dropped meanwhile")
	ask()
	run(0, "", "dnstap", "-reopen") // 6 is with the reader
	reader.Signal(t, syscall.SIGTERM)
	<-reader.Exited
	want(captured, "5 6", ids(captured))

	ask() // 7: it waits for the next one
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	reader = lab.Start(t, "fstrm_capture", exec.Command(capture, "-t", "protobuf:dnstap.Dnstap", "-u", socket, "-w", captured))
	for end := time.Now().Add(time.Minute); strings.Count(c.Tail(), "messages are written to "+socket+" again") < 2 && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	c.Signal(t, syscall.SIGTERM)
	<-c.Exited
	reader.Signal(t, syscall.SIGTERM)
	<-reader.Exited
	if got := ids(captured); got != "7" && got != "" { // the reader that went may have taken it along
		t.Errorf("the next reader got %q, want 7", got)
	}
}

// idsOf are the numbers of the queries in a tap.
func idsOf(list []*pb.Dnstap) string {
	var ids []string
	for _, f := range list {
		if q := f.Message.QueryMessage; q != nil {
			if n := binary.BigEndian.Uint16(q); n < 100 {
				ids = append(ids, fmt.Sprint(n))
			}
		}
	}
	return strings.Join(ids, " ")
}
