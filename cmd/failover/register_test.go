package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vpcdns/cmd/failover/route53"
	"vpcdns/cmd/failover/route53/servicemodel"
)

const (
	app      = "app.awslab.mycompany.corp"
	appProbe = "*.now." + app
)

// account is a stand-in for Route 53 with one private zone, ZPRIVATE. The program
// finds it by the environment, as it finds AWS; what is said is held against AWS's
// model.
func account(t *testing.T, o route53.Options, records ...route53.RecordSet) *route53.Server {
	t.Helper()
	model := servicemodel.Load(t)
	o.Wrap = func(h http.Handler) http.Handler { return model.Watch(t, h) }
	s := route53.New(o)
	t.Cleanup(func() { _ = s.Close() })
	url, err := s.Listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	awsEnvironment(t, url)
	zone := route53.Zone{ID: "ZPRIVATE", Name: "awslab.mycompany.corp", VPCs: []route53.VPC{{VPCRegion: "eu-central-1", VPCId: "vpc-1"}}, Records: records}
	if _, err := s.AddZone(zone); err != nil {
		t.Fatal(err)
	}
	return s
}

// awsEnvironment leaves nothing of the machine's own to be found.
func awsEnvironment(t *testing.T, url string) {
	t.Helper()
	none := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_ROUTE_53": url, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_PROFILE": "", "AWS_REGION": "", "AWS_DEFAULT_REGION": "",
		"AWS_EC2_METADATA_DISABLED": "true", "HTTP_PROXY": "", "HTTPS_PROXY": "",
	} {
		t.Setenv(name, value)
		if value == "" {
			os.Unsetenv(name) // until the test ends
		}
	}
}

// instance is a metadata service that gives nothing without a token.
func instance(t *testing.T, items map[string]string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /latest/api/token", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds"))
		fmt.Fprint(w, "the-token")
	})
	mux.HandleFunc("GET /latest/meta-data/{item}", func(w http.ResponseWriter, r *http.Request) {
		value, ok := items[r.PathValue("item")]
		switch {
		case r.Header.Get("X-Aws-Ec2-Metadata-Token") != "the-token":
			w.WriteHeader(http.StatusUnauthorized)
		case !ok:
			w.WriteHeader(http.StatusNotFound)
		default:
			fmt.Fprint(w, value)
		}
	})
	metadataService(t, mux)
}

func metadataService(t *testing.T, h http.Handler) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", s.URL)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "false")
}

// has asks the zone's authoritative servers.
func has(t *testing.T, s *route53.Server, name string) (addresses []string) {
	t.Helper()
	const typeA = 1
	answer := s.Authority("vpc-1").Lookup(0, name, typeA, 0)
	if answer == nil {
		t.Fatalf("no zone has %s", name)
	}
	for _, rr := range answer.Answer {
		fields := strings.Fields(rr.String())
		addresses = append(addresses, fields[len(fields)-1])
	}
	slices.Sort(addresses)
	return addresses
}

func holds(t *testing.T, s *route53.Server, name string, want ...string) {
	t.Helper()
	if got := has(t, s, name); !slices.Equal(got, want) {
		t.Errorf("%s has %v, want %v", name, got, want)
	}
}

func record(addresses ...string) route53.RecordSet { return route53.Simple(app, "A", 10, addresses...) }

// succeeds runs the program and wants its output to say this.
func succeeds(t *testing.T, want string, args ...string) {
	t.Helper()
	if status, out, errOut := command(args...); status != 0 || !strings.Contains(out, want) {
		t.Errorf("failover %v = %d\n%s%swant %q", args, status, out, errOut, want)
	}
}

func fails(t *testing.T, want int, text string, args ...string) {
	t.Helper()
	if status, out, errOut := command(args...); status != want || !strings.Contains(errOut, text) {
		t.Errorf("failover %v = %d\n%s%swant %d and %q", args, status, out, errOut, want, text)
	}
}

// A server's life: it takes its name, twice, and gives it back, twice.
func TestRegisterAndDeregister(t *testing.T) {
	s := account(t, route53.Options{}, record("10.0.0.9"), route53.Simple(appProbe, "A", 10, "10.0.0.9"))
	instance(t, map[string]string{"local-ipv4": "10.0.0.1"})
	succeeds(t, "had 10.0.0.9, and gets 10.0.0.1", "register", "--name", app, "--zone", "awslab.mycompany.corp")
	holds(t, s, app, "10.0.0.1")
	holds(t, s, "x.now."+app, "10.0.0.1")
	succeeds(t, "10.0.0.1 already", "register", "--name", app)
	succeeds(t, "had 10.0.0.1, and gets 10.0.0.9", "deregister", "--name", app, "--parking", "10.0.0.9")
	holds(t, s, app, "10.0.0.9")
	holds(t, s, "x.now."+app, "10.0.0.9")
	succeeds(t, "nothing is to be done", "deregister", "--name", app, "--parking", "10.0.0.9")
	if n := len(s.Requests("ChangeResourceRecordSets")); n != 2 {
		t.Errorf("%d changes were sent, want 2", n)
	}
}

// What another server registered stays.
func TestDeregisterOnlyItsOwn(t *testing.T) {
	s := account(t, route53.Options{}, record("10.0.0.2"))
	succeeds(t, "has 10.0.0.2, and not this server's 10.0.0.1", "deregister", "--name", app, "--address", "10.0.0.1", "--parking", "10.0.0.9")
	holds(t, s, app, "10.0.0.2")
	succeeds(t, "no A record", "deregister", "--name", "none.awslab.mycompany.corp", "--address", "10.0.0.1", "--delete")
}

func TestDeregisterOneOfSeveral(t *testing.T) {
	s := account(t, route53.Options{}, record("10.0.0.1", "10.0.0.2"))
	succeeds(t, "gets 10.0.0.2", "deregister", "--name", app, "--address", "10.0.0.1", "--parking", "10.0.0.9")
	holds(t, s, app, "10.0.0.2")
}

// Somebody else switches between reading and changing.
func TestDeregisterIsOvertaken(t *testing.T) {
	s := account(t, route53.Options{}, record("10.0.0.1"))
	s.Break(route53.Fault{Action: "ChangeResourceRecordSets", Half: true, Done: true, Times: 1})
	succeeds(t, "10.0.0.9", "deregister", "--name", app, "--address", "10.0.0.1", "--parking", "10.0.0.9")
	holds(t, s, app, "10.0.0.9")
}

func TestDeregisterNeedsParking(t *testing.T) {
	s := account(t, route53.Options{}, record("10.0.0.1"))
	fails(t, 1, "keep that for 300 s", "deregister", "--name", app, "--address", "10.0.0.1")
	fails(t, 1, "contradict", "deregister", "--name", app, "--address", "10.0.0.1", "--delete", "--parking", "10.0.0.9")
	fails(t, 1, "this server's own", "deregister", "--name", app, "--address", "10.0.0.1", "--parking", "10.0.0.1")
	succeeds(t, "gets no A record", "deregister", "--name", app, "--address", "10.0.0.1", "--delete")
	holds(t, s, app)
}

func TestRegisterFrom(t *testing.T) {
	s := account(t, route53.Options{}, record("10.0.0.2"))
	fails(t, 2, "has 10.0.0.2, and not 10.0.0.9", "register", "--name", app, "--address", "10.0.0.1", "--from", "10.0.0.9")
	holds(t, s, app, "10.0.0.2")
	succeeds(t, "change C", "register", "--name", app, "--address", "10.0.0.1", "--from", "10.0.0.2", "--zone-id", "ZPRIVATE")
	holds(t, s, app, "10.0.0.1")
}

func TestRegisterDryRun(t *testing.T) {
	s := account(t, route53.Options{}, record("10.0.0.2"))
	succeeds(t, `"UPSERT"`, "register", "--name", app, "--address", "10.0.0.1", "--dry-run")
	succeeds(t, `"DELETE"`, "deregister", "--name", app, "--address", "10.0.0.2", "--parking", "10.0.0.9", "--dry-run")
	holds(t, s, app, "10.0.0.2")
}

func TestRegisterUsage(t *testing.T) {
	account(t, route53.Options{})
	fails(t, 1, "--name is missing", "register")
	fails(t, 1, "twice", "register", "--name", app, "--zone", "a", "--zone-id", "Z1")
	fails(t, 1, `unexpected argument "app"`, "register", "--name", app, "app")
	fails(t, 1, "--address", "register", "--name", app, "--address", "10.0.0")
	fails(t, 1, "AWS_EC2_METADATA_DISABLED", "register", "--name", app)
}

// The instance's address, and what to do where there is none.
func TestOwnAddress(t *testing.T) {
	s := account(t, route53.Options{}, record("10.0.0.9"))
	instance(t, map[string]string{"local-ipv4": "10.0.0.1", "ipv6": "2001:db8::1"})
	succeeds(t, "gets 2001:db8::1", "register", "--name", app, "--ipv6")
	holds(t, s, app, "10.0.0.9")
	instance(t, map[string]string{"local-ipv4": "none"})
	fails(t, 1, "give --address", "register", "--name", app)
	fails(t, 1, "has no ipv6", "register", "--name", app, "--ipv6")
	metadataService(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	fails(t, 1, "turned off", "register", "--name", app)
}

// In a container the reply with the token is dropped, as its hop limit is 1: no
// address is taken without one.
func TestOwnAddressBehindTheHopLimit(t *testing.T) {
	account(t, route53.Options{}, record("10.0.0.9"))
	metadataService(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			<-r.Context().Done()
			return
		}
		fmt.Fprint(w, "10.0.0.1")
	}))
	fails(t, 1, "hop limit", "register", "--name", app)
}

// A unit that stops waits for no API that hangs.
func TestDeregisterIsBounded(t *testing.T) {
	s := account(t, route53.Options{}, record("10.0.0.1"))
	s.Break(route53.Fault{Action: "ListResourceRecordSets", Hang: true})
	begun := time.Now()
	fails(t, 3, "did not reply in time", "deregister", "--name", app, "--zone-id", "ZPRIVATE", "--address", "10.0.0.1", "--parking", "10.0.0.9", "--timeout", "3s")
	if took := time.Since(begun); took > time.Minute {
		t.Errorf("it took %s, want 3 s", took)
	}
}

// acceptedChange registers an address, and returns the ID of the change.
func acceptedChange(t *testing.T, address string) (id string) {
	t.Helper()
	status, out, errOut := command("register", "--name", app, "--address", address)
	_, rest, found := strings.Cut(out, "change ")
	if status != 0 || !found {
		t.Fatalf("failover register = %d, %s%s", status, out, errOut)
	}
	return strings.Fields(rest)[0]
}

func TestWaitVerb(t *testing.T) {
	account(t, route53.Options{Delays: []time.Duration{4 * time.Second}}, record("10.0.0.1"))
	id := acceptedChange(t, "10.0.0.2")
	status, out, errOut := command("wait", id)
	if status != 0 || !strings.Contains(out, ": PENDING") || !strings.Contains(out, "INSYNC after") {
		t.Errorf("failover wait %s = %d, %s%s", id, status, out, errOut)
	}
	fails(t, 3, "knows no change", "wait", "CUNKNOWN")
	fails(t, 1, "one ID", "wait")
	fails(t, 2, "no ID of a change", "wait", "no/id")
}

func TestWaitVerbEnds(t *testing.T) {
	account(t, route53.Options{Delays: []time.Duration{time.Hour}}, record("10.0.0.1"))
	fails(t, 4, "still PENDING", "wait", acceptedChange(t, "10.0.0.3"), "--timeout", "1500ms")
}
