package route53

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"vpcdns/cmd/failover/route53/servicemodel"
)

const (
	apex = "awslab.mycompany.corp."
	name = "myservice.awslab.mycompany.corp."
	vpcA = "vpc-0a1b2c3d"
)

// site is a Server with one private zone that has the record that moves, a
// clock that stands still until it is set, and a client.
type site struct {
	*Server
	now time.Time
	api http.Handler
	t   *testing.T
}

func newSite(t *testing.T, o Options) *site {
	t.Helper()
	s := &site{now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), t: t}
	o.Clock = func() time.Time { return s.now }
	s.Server = New(o)
	s.api = servicemodel.Load(t).Watch(t, s.Server)
	s.add(Zone{ID: "ZPRIVATE", Name: apex, VPCs: []VPC{{"eu-central-1", vpcA}}, Records: []RecordSet{Simple(name, "A", 10, "10.79.252.13")}})
	return s
}

func (s *site) add(z Zone) {
	s.t.Helper()
	if _, err := s.AddZone(z); err != nil {
		s.t.Fatal(err)
	}
}

// call sends a signed request and returns its reply.
func (s *site) call(method, path, body string) *http.Response {
	s.t.Helper()
	r := httptest.NewRequest(method, "/2013-04-01/"+path, strings.NewReader(body))
	sign(r, s.now, "us-east-1")
	w := httptest.NewRecorder()
	s.api.ServeHTTP(w, r)
	return w.Result()
}

func sign(r *http.Request, at time.Time, region string) {
	r.Header.Set("X-Amz-Date", at.UTC().Format(basicFormat))
	r.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/%s/%s/route53/aws4_request, SignedHeaders=host;x-amz-date, Signature=%064x", at.UTC().Format("20060102"), region, 1))
}

// get decodes the reply to a GET, and returns its error as "CODE: message".
func (s *site) get(path string, into any) string {
	s.t.Helper()
	return s.read(s.call(http.MethodGet, path, ""), into)
}

func (s *site) read(r *http.Response, into any) string {
	s.t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if r.StatusCode == http.StatusOK {
		if err := xml.Unmarshal(body, into); err != nil {
			s.t.Fatalf("%v in %s", err, body)
		}
		return ""
	}
	var e struct {
		Error    errorDetail
		Messages []string `xml:"Messages>Message"`
	}
	if err := xml.Unmarshal(body, &e); err != nil {
		s.t.Fatalf("%v in %s", err, body)
	}
	if e.Messages != nil {
		return "InvalidChangeBatch: " + strings.Join(e.Messages, " | ")
	}
	return e.Error.Code + ": " + e.Error.Message
}

type changeReply struct {
	ChangeInfo struct{ Id, Status, Comment, SubmittedAt string }
}

// change sends a batch, one change a string, and returns the change's ID.
func (s *site) change(zone string, changes ...string) (id, failure string) {
	s.t.Helper()
	body := fmt.Sprintf(`<ChangeResourceRecordSetsRequest xmlns="%s"><ChangeBatch><Comment>a test</Comment><Changes>%s</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>`, namespace, strings.Join(changes, ""))
	var reply changeReply
	failure = s.read(s.call(http.MethodPost, "hostedzone/"+zone+"/rrset/", body), &reply)
	return strings.TrimPrefix(reply.ChangeInfo.Id, "/change/"), failure
}

// one is a change of a simple set.
func one(action, owner, rrtype string, ttl int, values ...string) string {
	records := ""
	for _, v := range values {
		records += "<ResourceRecord><Value>" + v + "</Value></ResourceRecord>"
	}
	return fmt.Sprintf("<Change><Action>%s</Action><ResourceRecordSet><Name>%s</Name><Type>%s</Type><TTL>%d</TTL><ResourceRecords>%s</ResourceRecords></ResourceRecordSet></Change>", action, owner, rrtype, ttl, records)
}

func (s *site) status(id string) string {
	s.t.Helper()
	var reply changeReply
	if failure := s.get("change/"+id, &reply); failure != "" {
		return failure
	}
	return reply.ChangeInfo.Status
}

// list returns a zone's sets as "name type values", without SOA and NS.
func (s *site) list(zone, query string) []string {
	s.t.Helper()
	var page struct {
		Sets []RecordSet `xml:"ResourceRecordSets>ResourceRecordSet"`
	}
	if failure := s.get("hostedzone/"+zone+"/rrset"+query, &page); failure != "" {
		return []string{failure}
	}
	var list []string
	for _, r := range page.Sets {
		if r.Type != "SOA" && r.Type != "NS" {
			list = append(list, strings.Join(append([]string{r.Name, r.Type}, r.values()...), " "))
		}
	}
	return list
}
