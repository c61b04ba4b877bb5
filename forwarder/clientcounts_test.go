package forwarder

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"vpcdns/forwarder/counts"
)

// Whatever way a client is answered, it is counted once: a miss, one that joined it and
// a hit, over UDP and TCP. What the process asks itself is not.
func TestClientCounts(t *testing.T) {
	virtual(t, testConfig(), func(t *testing.T, r *replay) {
		r.s.CountClients(true)
		for i, tcp := range []bool{false, true} {
			name := fmt.Sprintf("www%d.example.", i)
			for id := range uint16(3) {
				if id == 2 {
					synctest.Wait()
				}
				r.net.ask(testClient, testServer, tcp, queryFor(id, name, dns.TypeA))
			}
			synctest.Wait()
		}
		if _, err := r.s.Exchange(t.Context(), new(dns.Msg).SetQuestion("www0.example.", dns.TypeA)); err != nil {
			t.Fatal(err)
		}
		c := r.s.ClientCounts()
		want := map[string][2]uint64{
			"requests":      {c.Named[counts.Requestv4], 6},
			"over TCP":      {c.Named[counts.ReqTCP], 3},
			"UDP queries":   {c.Named[counts.QryUDP], 3},
			"TCP queries":   {c.Named[counts.QryTCP], 3},
			"responses":     {c.Named[counts.Response], 6},
			"with data":     {c.Named[counts.QrySuccess], 6},
			"no authority":  {c.Named[counts.QryNoauthAns], 6},
			"QUERY":         {c.Opcodes[dns.OpcodeQuery], 6},
			"NOERROR":       {c.Rcodes[dns.RcodeSuccess], 6},
			"A":             {c.Types[dns.TypeA], 6},
			"sizes of UDP":  {c.UDP[0].Requests[1] + c.UDP[0].Requests[2], 3},
			"sizes of TCP":  {c.TCP[0].Requests[1] + c.TCP[0].Requests[2], 3},
			"sizes of IPv6": {c.UDP[1].Requests[1], 0},
		}
		for what, n := range want {
			if n[0] != n[1] {
				t.Errorf("%s = %d, want %d", what, n[0], n[1])
			}
		}
	})
}
