package route53

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/failover/route53/servicemodel"
)

func TestThrottles(t *testing.T) {
	s := newSite(t, Options{Calls: DefaultCalls, Changes: Bucket{Size: 3, PerSecond: 0.5}})
	asked := func(times int, ask func() string) (refused int) {
		for range times {
			switch got := ask(); got {
			case "":
			case "Throttling: Rate exceeded":
				refused++
			default:
				t.Errorf("the error is %q, want Throttling", got)
			}
		}
		return refused
	}
	list := func() string { return s.get("hostedzone", new(zoneList)) }
	change := func() string {
		_, failure := s.change("ZPRIVATE", one("UPSERT", name, "A", 10, "10.0.0.1"))
		return failure
	}
	if got := asked(60, list); got != 10 {
		t.Errorf("of 60 lists at once %d were throttled, want 10", got)
	}
	if got := asked(10, change); got != 7 { // each action has a bucket of its own
		t.Errorf("of 10 changes at once %d were throttled, want 7", got)
	}
	s.now = s.now.Add(4 * time.Second)
	if lists, changes := asked(60, list), asked(10, change); lists != 20 || changes != 8 {
		t.Errorf("4 s later %d of 60 lists and %d of 10 changes were throttled, want 20 and 8", lists, changes)
	}
}

func TestSignatures(t *testing.T) {
	s := newSite(t, Options{Region: "us-east-1"})
	send := func(change func(*http.Request)) string {
		r := httptest.NewRequest(http.MethodGet, "/2013-04-01/hostedzone/ZPRIVATE", nil)
		sign(r, s.now, "us-east-1")
		change(r)
		w := httptest.NewRecorder()
		s.api.ServeHTTP(w, r)
		return s.read(w.Result(), &struct{}{})
	}
	for title, tt := range map[string]struct {
		change func(*http.Request)
		want   string
	}{
		"well":       {func(*http.Request) {}, ""},
		"four early": {func(r *http.Request) { sign(r, s.now.Add(-4*time.Minute), "us-east-1") }, ""},
		"none":       {func(r *http.Request) { r.Header.Del("Authorization") }, "MissingAuthenticationToken: Missing Authentication Token"},
		"old": {func(r *http.Request) { sign(r, s.now.Add(-time.Hour), "us-east-1") },
			"SignatureDoesNotMatch: Signature expired: 20261129T110000Z is now earlier than 20261129T115500Z (20261129T120000Z - 5 min.)"},
		"early": {func(r *http.Request) { sign(r, s.now.Add(time.Hour), "us-east-1") },
			"SignatureDoesNotMatch: Signature not yet current: 20261129T130000Z is still later than 20261129T120500Z (20261129T120000Z + 5 min.)"},
		"region": {func(r *http.Request) { sign(r, s.now, "eu-central-1") }, "SignatureDoesNotMatch: Credential should be scoped to a valid region."},
		"service": {func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/route53/", "/ec2/", 1))
		}, "SignatureDoesNotMatch: Credential should be scoped to correct service: 'route53'."},
		"basic":   {func(r *http.Request) { r.SetBasicAuth("a", "b") }, "SignatureDoesNotMatch: Authorization header is not in the form of Signature Version 4"},
		"no date": {func(r *http.Request) { r.Header.Del("X-Amz-Date") }, "SignatureDoesNotMatch: Date in Credential scope"},
	} {
		if got := send(tt.change); !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%s: %q, want %q", title, got, tt.want)
		}
	}
}

func TestErrorCodes(t *testing.T) {
	for code, want := range map[string]string{
		"Throttling": "Rate exceeded", "ExpiredToken": "The security token included in the request is expired",
		"PriorRequestNotComplete": "The request was rejected", "SignatureDoesNotMatch": "The request signature we calculated", "RequestExpired": "Request has expired.",
		"InternalFailure": "We encountered", "ServiceUnavailable": "Service is unable",
		"AccessDenied": "User: arn:aws:iam::111122223333:user/operator is not authorized to perform: route53:ChangeResourceRecordSets on resource: arn:aws:route53:::hostedzone/ZPRIVATE because",
	} {
		for _, done := range []bool{false, true} {
			s := newSite(t, Options{})
			s.Break(Fault{Action: "ChangeResourceRecordSets", Skip: 1, Times: 1, Code: code, Done: done})
			s.change("ZPRIVATE", one("UPSERT", name, "A", 10, "10.0.0.1"))
			_, failure := s.change("ZPRIVATE", one("UPSERT", name, "A", 10, "10.0.0.2"))
			if !strings.HasPrefix(failure, code+": "+want) {
				t.Errorf("the second change = %q, want %s: %s", failure, code, want)
			}
			has, wanted := s.list("ZPRIVATE", "")[0], "10.0.0.1"
			if done {
				wanted = "10.0.0.2"
			}
			if !strings.HasSuffix(has, wanted) {
				t.Errorf("%s, done %v: the zone has %s, want %s", code, done, has, wanted)
			}
			if _, failure := s.change("ZPRIVATE", one("UPSERT", name, "A", 10, "10.0.0.3")); failure != "" {
				t.Errorf("the third change = %q, want none", failure)
			}
			if got := s.Requests("ChangeResourceRecordSets"); len(got) != 3 || got[1].ID != "ZPRIVATE" {
				t.Errorf("Requests = %v, want three", got)
			}
		}
	}
}

func TestWrappedInvalidChangeBatch(t *testing.T) {
	s := newSite(t, Options{})
	s.Break(Fault{Wrap: true})
	_, got := s.change("ZPRIVATE", one("CREATE", name, "A", 10, "10.0.0.1"))
	if want := "InvalidChangeBatch: [Tried to create resource record set [name='" + name + "', type='A'] but it already exists]"; got != want {
		t.Errorf("change = %s, want %s", got, want)
	}
}

// listening serves the site's API, looked at by the model.
func listening(t *testing.T) (s *Server, url string) {
	t.Helper()
	s = New(Options{Wrap: func(h http.Handler) http.Handler { return servicemodel.Load(t).Watch(t, h) }})
	if _, err := s.AddZone(Zone{ID: "ZPRIVATE", Name: apex, VPCs: []VPC{{"eu-central-1", vpcA}}}); err != nil {
		t.Fatal(err)
	}
	return s, listen(t, s)
}

func listen(t *testing.T, s *Server) string {
	t.Helper()
	url, err := s.Listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return url
}

// ask sends a request over the network, with a connection of its own.
func ask(ctx context.Context, url string) (body string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/2013-04-01/hostedzone/ZPRIVATE", nil)
	if err != nil {
		return "", err
	}
	sign(r, time.Now(), "us-east-1")
	reply, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		return "", err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	return string(text), err
}

func TestBrokenReplies(t *testing.T) {
	s, url := listening(t)
	whole, err := ask(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	s.Break(Fault{Half: true})
	if got, err := ask(t.Context(), url); !errors.Is(err, io.ErrUnexpectedEOF) || len(got) == 0 || len(got) >= len(whole) {
		t.Errorf("half a reply = %q, %v, want less than %d octets and an unexpected end", got, err, len(whole))
	}
	s.Break(Fault{Broken: true})
	if got, err := ask(t.Context(), url); err != nil || xml.Unmarshal([]byte(got), new(zoneList)) == nil {
		t.Errorf("a broken reply = %q, %v, want what is no XML", got, err)
	}
	s.Break(Fault{Hang: true, Times: 1})
	ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	if got, err := ask(ctx, url); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a reply that hangs = %q, %v, want the client's own deadline", got, err)
	}
	if got, err := ask(t.Context(), url); err != nil || len(got) < len(whole)/2 {
		t.Errorf("afterwards = %q, %v, want a reply", got, err)
	}
	s.Break(Fault{Delay: time.Millisecond})
	if _, err := ask(t.Context(), url); err != nil {
		t.Errorf("a late reply: %v", err)
	}
}

// A change whose reply is lost was made or was not, as the test wants it.
func TestChangesWithoutAReply(t *testing.T) {
	for _, fault := range []Fault{{Half: true}, {Broken: true}, {Hang: true}, {Refuse: true}} {
		for _, fault.Done = range []bool{false, true} {
			s, url := listening(t)
			fault.Action = "ChangeResourceRecordSets"
			s.Break(fault)
			ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
			body := `<ChangeResourceRecordSetsRequest xmlns="` + namespace + `"><ChangeBatch><Changes>` + one("UPSERT", name, "A", 10, "10.0.0.1") + `</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>`
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/2013-04-01/hostedzone/ZPRIVATE/rrset", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			sign(r, time.Now(), "us-east-1")
			if reply, err := http.DefaultClient.Do(r); err == nil {
				reply.Body.Close()
			}
			stop()
			made := len(s.Authority(vpcA).Lookup(0, name, dns.TypeA, 0).Answer) == 1
			if made != fault.Done || len(s.Requests("ChangeResourceRecordSets")) != 1 {
				t.Errorf("%+v: the change was made: %v, want %v", fault, made, fault.Done)
			}
		}
	}
}

func TestRefuse(t *testing.T) {
	s, url := listening(t)
	s.Break(Fault{Skip: 1, Times: 1, Refuse: true})
	if _, err := ask(t.Context(), url); err != nil {
		t.Errorf("the first request: %v", err)
	}
	if _, err := ask(t.Context(), url); err == nil {
		t.Error("the second request got a reply")
	}
	if _, err := ask(t.Context(), url); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the third request: %v, want that the connection is refused", err)
	}
	if _, err := ask(t.Context(), listen(t, s)); err != nil {
		t.Errorf("after Listen: %v", err)
	}
}

func TestCloseGivesUpWhatHangs(t *testing.T) {
	s, url := listening(t)
	s.Break(Fault{Hang: true})
	failed := make(chan error)
	go func() {
		_, err := ask(context.Background(), url)
		failed <- err
	}()
	for len(s.Requests("")) == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close = %v, want nil", err)
	}
	if err := <-failed; err == nil {
		t.Error("the request that hung got a reply")
	}
}

func TestOddRequests(t *testing.T) {
	s, url := listening(t)
	post := func(path, body string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/2013-04-01/"+path, strings.NewReader(body))
		sign(r, time.Now(), "us-east-1")
		return r
	}
	for _, tt := range []struct {
		request *http.Request
		status  int
	}{
		{post("nothing", ""), http.StatusNotFound},
		{post("hostedzone/ZPRIVATE/rrset", ""), http.StatusBadRequest},
		{post("hostedzone/ZPRIVATE/rrset", "<a/>"), http.StatusBadRequest},
		{post("hostedzone/ZPRIVATE/rrset", `<ChangeResourceRecordSetsRequest xmlns="`+namespace+`"><ChangeBatch>`), http.StatusBadRequest},
		{post("hostedzone/ZPRIVATE/rrset", `<ChangeResourceRecordSetsRequest xmlns="`+namespace+`"><ChangeBatch/><Bad/></ChangeResourceRecordSetsRequest>`), http.StatusBadRequest},
		{post("hostedzone/ZPRIVATE/rrset", strings.Repeat(" ", maxBody+1)), http.StatusRequestEntityTooLarge},
	} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, tt.request)
		if w.Code != tt.status {
			t.Errorf("%s = %d %s, want %d", tt.request.URL, w.Code, w.Body, tt.status)
		}
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if got, err := s.Listen(netip.MustParseAddrPort(taken.Addr().String())); err == nil {
		t.Errorf("Listen where another does = %s, want an error; %s is its own", got, url)
	}
}
