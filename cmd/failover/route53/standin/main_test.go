package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// start runs the program until the end of the test, and returns where it says
// that it is.
func start(t *testing.T, args ...string) (api, resolver string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	said, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, append([]string{"-api", "127.0.0.1:0", "-dns", "127.0.0.1:0"}, args...), out)
		out.CloseWithError(err)
		ended <- err
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("run = %v, want nil", err)
		}
	})
	lines, use := bufio.NewScanner(said), ""
	for _, line := range []struct {
		pattern string
		found   *string
	}{{`http://\S+[0-9]`, &api}, {`AWS_ENDPOINT_URL_ROUTE_53=http://\S+`, &use}, {`\S+#[0-9]+`, &resolver}} {
		if !lines.Scan() {
			t.Fatalf("it ended: %v", lines.Err())
		}
		*line.found = regexp.MustCompile(line.pattern).FindString(lines.Text())
	}
	if use != "AWS_ENDPOINT_URL_ROUTE_53="+api {
		t.Errorf("for %s it says to use %q", api, use)
	}
	return api, strings.Replace(resolver, "#", ":", 1)
}

func address(t *testing.T, resolver, name string) string {
	t.Helper()
	reply, _, err := new(dns.Client).Exchange(new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA), resolver)
	if err != nil {
		t.Fatal(err)
	}
	if len(reply.Answer) == 0 {
		return dns.RcodeToString[reply.Rcode]
	}
	return reply.Answer[0].(*dns.A).A.String()
}

// change needs no signature: from curl, say.
const change = `<ChangeResourceRecordSetsRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ChangeBatch><Changes><Change><Action>UPSERT</Action><ResourceRecordSet><Name>%s</Name><Type>A</Type><TTL>10</TTL><ResourceRecords><ResourceRecord><Value>10.79.252.14</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>`

// A name that is given again has all the values: a fleet's, say.
func TestSeveralValues(t *testing.T) {
	const record = "members.awslab.mycompany.corp 5 A "
	_, resolver := start(t, "-record", record+"10.0.0.1", "-record", record+"10.0.0.2")
	reply, _, err := new(dns.Client).Exchange(new(dns.Msg).SetQuestion("members.awslab.mycompany.corp.", dns.TypeA), resolver)
	if err != nil || len(reply.Answer) != 2 {
		t.Errorf("members = %v, %v, want two addresses", reply, err)
	}
}

func TestTheResolverFollowsTheAPI(t *testing.T) {
	api, resolver := start(t, "-record", "a.awslab.mycompany.corp 10 A 10.0.0.1", "-record", "*.now.a.awslab.mycompany.corp 10 A 10.0.0.1", "-limited", "-instance")
	if got := address(t, resolver, "x.now.a.awslab.mycompany.corp"); got != "10.0.0.1" {
		t.Errorf("before: %s, want 10.0.0.1", got)
	}
	body := fmt.Sprintf(change, "*.now.a.awslab.mycompany.corp")
	reply, err := http.Post(api+"/2013-04-01/hostedzone/ZPRIVATE/rrset", "text/xml", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		t.Errorf("the change = %s, want 200", reply.Status)
	}
	if got := address(t, resolver, "y.now.a.awslab.mycompany.corp"); got != "10.79.252.14" {
		t.Errorf("after: %s, want 10.79.252.14", got)
	}
	if got := address(t, resolver, service); got != "NXDOMAIN" {
		t.Errorf("a name that was not given: %s, want NXDOMAIN", got)
	}
}

func TestDefaults(t *testing.T) {
	_, resolver := start(t)
	if got := address(t, resolver, service); got != "10.79.252.13" {
		t.Errorf("%s = %s, want 10.79.252.13", service, got)
	}
	o, err := parse([]string{"-delays", "10s,20s,30s,40s", "-flap", "30s"}, io.Discard)
	if err != nil || len(o.delays) != 4 || o.delays[3] != 40*time.Second || o.faults.Flap != 30*time.Second {
		t.Errorf("parse = %+v, %v, want four delays and half a minute", o, err)
	}
}

func TestBadOptions(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-delays 10", "reading a delay"}, {"-record a", "want \"NAME TTL TYPE VALUE\""}, {"-record", "flag needs an argument"},
		{"-api here", "reading -api"}, {"-api 127.0.0.1:0 -dns here", "reading -dns"}, {"-zone example.com", "is not permitted in zone example.com."}, {"more", `"more" is no option`},
	} {
		var out bytes.Buffer
		err := run(t.Context(), strings.Fields(tt.args), &out)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("run(%s) = %v, want %s", tt.args, err, tt.want)
		}
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-h"}, &out); err != nil || !strings.Contains(out.String(), "-delays 10s,20s,30s,40s") {
		t.Errorf("run(-h) = %v, %s", err, &out)
	}
}
