package forwarder

import (
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"
)

// Each number of ClientCounts is one of the shards' and the other way round.
func TestClientCountsAreWhole(t *testing.T) {
	s := &Server{engine: new(engine)}
	if c := s.ClientCounts(); c != (ClientCounts{}) {
		t.Errorf("before CountClients: %v", c)
	}
	s.CountClients(true)
	shards := s.clientCounts.Load()
	for i := range numClientCounts {
		shards[i%clientShards].add(i)
		shards[(i+1)%clientShards].add(i)
	}
	c := s.ClientCounts()
	if n := int(reflect.TypeOf(c).Size() / 8); n != numClientCounts {
		t.Fatalf("ClientCounts has %d numbers, want %d", n, numClientCounts)
	}
	var count func(v reflect.Value)
	count = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				count(v.Field(i))
			}
		case reflect.Array:
			for i := range v.Len() {
				count(v.Index(i))
			}
		default:
			if v.Uint() != 2 {
				t.Errorf("a number is %d, want 2: from two shards", v.Uint())
			}
		}
	}
	count(reflect.ValueOf(c))
}

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
			"requests":      {c.Named[Requestv4], 6},
			"over TCP":      {c.Named[ReqTCP], 3},
			"UDP queries":   {c.Named[QryUDP], 3},
			"TCP queries":   {c.Named[QryTCP], 3},
			"responses":     {c.Named[Response], 6},
			"with data":     {c.Named[QrySuccess], 6},
			"no authority":  {c.Named[QryNoauthAns], 6},
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
