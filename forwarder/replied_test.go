package forwarder

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"

	pb "github.com/dnstap/golang-dnstap"
	"github.com/miekg/dns"
	"google.golang.org/protobuf/proto"

	"vpcdns/forwarder/config"
)

// tapped are the messages in a tap's file.
func tapped(t *testing.T, path string) (list []*pb.Message) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := pb.NewReader(f, nil)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<17)
	for {
		n, err := r.ReadFrame(buf)
		if err != nil {
			return list
		}
		frame := new(pb.Dnstap)
		if err := proto.Unmarshal(buf[:n], frame); err != nil {
			t.Fatal(err)
		}
		list = append(list, frame.Message)
	}
}

// tapTo is a configuration that taps what is of clients to a file.
func tapTo(path string) *config.Dnstap {
	const all = config.DnstapAuth | config.DnstapClient | config.DnstapUpdate
	return &config.Dnstap{Queries: all, Responses: all, Path: path}
}

// tapLine is what matters of a message to this test.
func tapLine(t *testing.T, m *pb.Message) string {
	t.Helper()
	msg := new(dns.Msg)
	if err := msg.Unpack(append(m.QueryMessage, m.ResponseMessage...)); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%v %v %d %s", m.GetType(), m.GetSocketProtocol(), msg.Id, msg.Question[0].Name)
}

// Every way in which a client is answered is seen by who looks at messages: a hit, one
// that waited and one that joined it, over UDP and over TCP. What the process asks
// itself is not.
func TestTapSeesEveryClient(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tap")
	virtual(t, testConfig(), func(t *testing.T, r *replay) {
		r.s.setTap(tapTo(path))
		var want []string
		sent := make(map[string]bool)
		for i, tcp := range []bool{false, true} {
			id, name, proto := uint16(10*i), fmt.Sprintf("www%d.example.", i), [...]string{"UDP", "TCP"}[i]
			for range 3 { // the second joins the first, the third is a hit
				id++
				if id%10 == 3 {
					synctest.Wait()
				}
				r.net.ask(testClient, testServer, tcp, queryFor(id, name, dns.TypeA))
				want = append(want, fmt.Sprintf("CLIENT_QUERY %s %d %s", proto, id, name), fmt.Sprintf("CLIENT_RESPONSE %s %d %s", proto, id, name))
			}
			synctest.Wait()
		}
		for _, got := range r.net.got() {
			sent[string(got.msg)] = true
		}
		if _, err := r.s.Exchange(t.Context(), new(dns.Msg).SetQuestion("www0.example.", dns.TypeA)); err != nil {
			t.Fatal(err)
		}
		r.s.setTap(&config.Dnstap{})
		var got []string
		for _, m := range tapped(t, path) {
			got = append(got, tapLine(t, m))
			if b := m.ResponseMessage; b != nil && !sent[string(b)] {
				t.Errorf("%s: no client got these octets", got[len(got)-1])
			}
			if !bytes.Equal(m.QueryAddress, []byte{10, 1, 2, 3}) || m.GetQueryPort() != 5000 || m.GetResponsePort() != 53 {
				t.Errorf("%s: from %v#%d to port %d, want %v, 53", got[len(got)-1], m.QueryAddress, m.GetQueryPort(), m.GetResponsePort(), testClient)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("tapped\n%q, want\n%q", got, want)
		}
	})
}
