package zone

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"vpcdns/cmd/failover/route53"
)

const changeCall = "ChangeResourceRecordSets"

// What passes is outwaited, and told.
func TestRetries(t *testing.T) {
	for name, f := range map[string]route53.Fault{
		"throttled":      {Action: changeCall, Code: "Throttling", Times: 3},
		"prior request":  {Action: changeCall, Code: "PriorRequestNotComplete", Times: 3},
		"internal":       {Action: changeCall, Code: "InternalFailure", Times: 2},
		"unavailable":    {Action: changeCall, Code: "ServiceUnavailable", Times: 2},
		"read throttled": {Action: "ListResourceRecordSets", Code: "Throttling", Times: 3},
		"broken":         {Action: changeCall, Broken: true, Times: 1},
		"half":           {Action: changeCall, Half: true, Times: 1},
		"half, done":     {Action: changeCall, Half: true, Done: true, Times: 1},
		"read half":      {Action: "ListResourceRecordSets", Half: true, Times: 1},
	} {
		a := newAccount(t, route53.Options{}, simple("10.0.0.1"))
		z := a.byID()
		a.Break(f)
		r, err := z.Switch(t.Context(), to("10.0.0.2"))
		if err != nil || r.ChangeID == "" || len(a.told) == 0 || len(a.told) > 2 || a.sent(f.Action) < f.Times {
			t.Errorf("%s: Switch = %+v, %v; told %q, want one line for each of two readings", name, r, err, a.told)
		}
		for _, line := range a.told {
			if !strings.Contains(line, "trying again") || strings.Contains(line, "operation error") {
				t.Errorf("%s: told %q", name, line)
			}
		}
		if got := a.addresses(owner, "A"); !slices.Equal(got, []string{"10.0.0.2"}) {
			t.Errorf("%s: the zone has %v", name, got)
		}
	}
}

// What does not pass is told at once, in a sentence.
func TestNoRetries(t *testing.T) {
	for code, want := range map[string]struct {
		kind error
		text string
	}{
		"AccessDenied":         {ErrAPI, "AWS denies it"},
		"ExpiredToken":         {ErrAPI, "credentials have expired"},
		"InvalidClientTokenId": {ErrAPI, "does not know these credentials"},
		"InvalidInput":         {ErrRefused, "AWS refuses it"},
		"InvalidChangeBatch":   {ErrRefused, "AWS refuses it"},
	} {
		a := newAccount(t, route53.Options{}, simple("10.0.0.1"))
		a.Break(route53.Fault{Action: changeCall, Code: code})
		_, err := a.byID().Switch(t.Context(), to("10.0.0.2"))
		wants(t, err, want.kind, want.text, "changing "+owner)
		if n := a.sent(changeCall); n != 1 || len(a.told) > 0 || MayHaveChanged(err) {
			t.Errorf("%s: sent %d times, told %q, may have changed: %v", code, n, a.told, MayHaveChanged(err))
		}
		if strings.Contains(err.Error(), "operation error") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q is no sentence", code, err)
		}
	}
}

// A limit holds for each call, whatever the API does.
func TestRetriesEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		fault   route53.Fault
		text    string
		unknown bool
	}{
		"throttled for ever": {route53.Fault{Action: changeCall, Code: "Throttling"}, "throttles", false},
		"hang":               {route53.Fault{Action: changeCall, Hang: true}, "did not reply in time", true},
		"half for ever":      {route53.Fault{Action: changeCall, Half: true}, "is broken", true},
		"broken for ever":    {route53.Fault{Action: changeCall, Broken: true, Done: true}, "is broken", true},
		"internal for ever":  {route53.Fault{Action: changeCall, Code: "InternalFailure"}, "AWS fails", true},
	} {
		a := newAccount(t, route53.Options{}, simple("10.0.0.1"))
		z := a.byID()
		z.timeout = 2 * time.Second
		a.Break(tt.fault)
		begun := time.Now()
		_, err := z.Switch(t.Context(), to("10.0.0.2"))
		wants(t, err, ErrAPI, tt.text)
		if MayHaveChanged(err) != tt.unknown {
			t.Errorf("%s: MayHaveChanged = %v, want %v", name, MayHaveChanged(err), tt.unknown)
		}
		if took := time.Since(begun); took > 30*time.Second {
			t.Errorf("%s: it took %s", name, took)
		}
	}
}

func TestSignalEndsACall(t *testing.T) {
	a := newAccount(t, route53.Options{}, simple("10.0.0.1"))
	z := a.byID()
	a.Break(route53.Fault{Hang: true})
	ctx, stop := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, stop)
	_, err := z.Switch(ctx, to("10.0.0.2"))
	wants(t, err, context.Canceled, "reading "+owner)
}

func TestNobodyListens(t *testing.T) {
	a := newAccount(t, route53.Options{}, simple("10.0.0.1"))
	z := a.byID()
	z.timeout = time.Second
	a.Close()
	_, err := z.Switch(t.Context(), to("10.0.0.2"))
	wants(t, err, ErrAPI, "cannot be reached", "AWS_ENDPOINT_URL")
	if MayHaveChanged(err) {
		t.Errorf("%v may have changed something, want not: nothing was sent", err)
	}
	t.Setenv("AWS_ENDPOINT_URL_ROUTE_53", "route53")
	_, err = a.byID().Switch(t.Context(), to("10.0.0.2"))
	wants(t, err, ErrAPI, "no URL", "AWS_ENDPOINT_URL")
	t.Setenv("AWS_ENDPOINT_URL_ROUTE_53", "http://route53.invalid")
	_, err = a.byID().Switch(t.Context(), to("10.0.0.2"))
	wants(t, err, ErrAPI, "route53.invalid")
}

// A wrong clock is told by how much it is wrong.
func TestClockSkew(t *testing.T) {
	for off, want := range map[time.Duration]string{-7 * time.Minute: "7 min ahead of AWS's", 26 * time.Hour: "26 h behind AWS's"} {
		a := newAccount(t, route53.Options{Clock: func() time.Time { return time.Now().Add(off) }}, simple("10.0.0.1"))
		_, err := a.byID().Switch(t.Context(), to("10.0.0.2"))
		wants(t, err, ErrAPI, "clock is "+want, "chronyc makestep")
		if n := a.sent(""); n > 2 {
			t.Errorf("%d requests were sent, want the two readings, once", n)
		}
	}
}

// An empty reply is no zone without records.
func TestEmptyReplies(t *testing.T) {
	for _, path := range []string{"/hostedzonesbyname", "/hostedzone/ZPRIVATE", "/hostedzone/ZPRIVATE/rrset", "POST /hostedzone/ZPRIVATE/rrset"} {
		empty := func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/2013-04-01"), "/")
				if asked != path && r.Method+" "+asked != path {
					h.ServeHTTP(w, r)
				}
			})
		}
		a := newAccount(t, route53.Options{Wrap: empty}, simple("10.0.0.1"))
		z, err := a.open(Settings{Zone: apex, VPC: vpcA})
		if err == nil {
			_, err = z.Switch(t.Context(), to("10.0.0.2"))
		}
		wants(t, err, ErrAPI, "reply of the API is empty")
		if got := has(a); got != "10.0.0.1" {
			t.Errorf("%s is empty, and %s has %s", path, owner, got)
		}
	}
}

// has asks an authoritative server.
func has(a *account) string {
	const typeA = 1
	fields := strings.Fields(a.Authority(vpcA).Lookup(0, owner, typeA, 0).Answer[0].String())
	return fields[len(fields)-1]
}

// A clock that is off, if not so much that AWS refuses, is told all the same.
func TestNotableSkew(t *testing.T) {
	late := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(90*time.Second).UTC().Format(http.TimeFormat))
			h.ServeHTTP(w, r)
		})
	}
	a := newAccount(t, route53.Options{Wrap: late}, simple("10.0.0.1"))
	r, err := a.byID().Switch(t.Context(), to("10.0.0.2"))
	if err != nil || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "behind AWS's") {
		t.Errorf("Switch = %+v, %v", r, err)
	}
}

// Both throttles of the stand-in, as an account has them.
func TestBuckets(t *testing.T) {
	a := newAccount(t, route53.Options{Calls: route53.Bucket{Size: 4, PerSecond: 5}, Changes: route53.Bucket{Size: 1, PerSecond: 2}, Prepare: 200 * time.Millisecond}, simple("10.0.0.1"))
	z := a.byID()
	for _, address := range []string{"10.0.0.2", "10.0.0.3", "10.0.0.4"} {
		if r, err := z.Switch(t.Context(), to(address)); err != nil || r.ChangeID == "" {
			t.Errorf("Switch to %s = %+v, %v", address, r, err)
		}
	}
	if len(a.told) == 0 {
		t.Error("nothing was throttled")
	}
}

// Failures that pass do not end the wait.
func TestWaitOutlastsFaults(t *testing.T) {
	a := newAccount(t, route53.Options{Delays: []time.Duration{2 * time.Second}}, simple("10.0.0.1"))
	z := a.byID()
	z.timeout = time.Second
	r, err := z.Switch(t.Context(), to("10.0.0.2"))
	if err != nil {
		t.Fatal(err)
	}
	a.Break(route53.Fault{Action: "GetChange", Hang: true, Times: 1}, route53.Fault{Action: "GetChange", Code: "Throttling", Times: 6}, route53.Fault{Action: "GetChange", Half: true, Times: 1})
	if err := z.Wait(t.Context(), r.ChangeID, nil); err != nil {
		t.Errorf("Wait = %v", err)
	}
	a.Break(route53.Fault{Action: "GetChange", Hang: true})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	wants(t, z.Wait(ctx, r.ChangeID, nil), ErrAPI, "could not be read", "failover wait "+r.ChangeID)
	a.Break(route53.Fault{Action: "GetChange", Code: "ExpiredToken"})
	wants(t, z.Wait(t.Context(), r.ChangeID, nil), ErrAPI, "have expired")
}
