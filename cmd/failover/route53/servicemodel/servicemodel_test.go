package servicemodel

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const (
	post = "/2013-04-01/hostedzone/Z1/rrset/"
	list = "/2013-04-01/hostedzone/Z1/rrset"
	get  = "/2013-04-01/change/C1"
)

func parsed(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// goodRequest is one that AWS's own tools send.
const goodRequest = `<ChangeResourceRecordSetsRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ChangeBatch><Changes><Change><Action>UPSERT</Action><ResourceRecordSet><Name>a.example.com</Name><Type>A</Type><TTL>10</TTL><ResourceRecords><ResourceRecord><Value>10.0.0.1</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>`

// Each edit plants one mistake, which the walker names.
func TestRequest(t *testing.T) {
	m := Load(t)
	for _, tt := range []struct{ old, new, problem string }{
		{"", "", ""},
		{"UPSERT", "REPLACE", `"REPLACE" is none of [CREATE DELETE UPSERT]`},
		{"<TTL>10</TTL>", "<TTL>ten</TTL>", `"ten" is no number`},
		{"<TTL>10</TTL>", "<TTL>-1</TTL>", "is -1, want at least 0"},
		{"<TTL>10</TTL>", "<TTL>2147483648</TTL>", "is 2147483648, want at most 2147483647"},
		{"<TTL>10</TTL>", "<TTL>10</TTL><TTL>10</TTL>", "TTL is there 2 times"},
		{"<TTL>10</TTL>", "<Ttl>10</Ttl>", "Ttl is not known"},
		{"<TTL>10</TTL>", "<TTL><A>1</A></TTL>", "elements in a long"},
		{"<TTL>10</TTL>", "10", `text "10" between elements`},
		{"<Type>A</Type>", "", "Type is missing"},
		{"<Type>A</Type>", "<Type>HTTP</Type>", `"HTTP" is none of`},
		{"<Action>UPSERT</Action>", "", "Action is missing"},
		{"<Value>10.0.0.1</Value>", "", "Value is missing"},
		{"ResourceRecord>", "Record>", "Record in a list of ResourceRecord"},
		{"<ResourceRecord><Value>10.0.0.1</Value></ResourceRecord>", "", "is 0 items, want at least 1"},
		{"<TTL>10</TTL>", "<TTL>10</TTL><MultiValueAnswer>yes</MultiValueAnswer>", `"yes" is neither true nor false`},
		{"<TTL>10</TTL>", "<TTL>10</TTL><CidrRoutingConfig><CollectionId>x</CollectionId><LocationName>l</LocationName></CidrRoutingConfig>", `"x" does not match`},
		{"a.example.com", strings.Repeat("a", 1025), "is 1025 characters, want at most 1024"},
		{"doc/2013-04-01/", "doc/2012-12-12/", `namespace "https://route53.amazonaws.com/doc/2012-12-12/"`},
		{"ChangeResourceRecordSetsRequest", "ChangeRequest", "the root is ChangeRequest"},
		{"</ChangeBatch>", "", "XML syntax error"},
		{goodRequest, goodRequest + goodRequest, "it has 2 roots"},
	} {
		body := strings.ReplaceAll(goodRequest, tt.old, tt.new)
		if tt.old == "" {
			body = goodRequest
		}
		one(t, tt.old+" -> "+tt.new, m.Request(http.MethodPost, parsed(t, post), []byte(body)), tt.problem)
	}
}

// one holds a list of problems against the one that was planted; "" is none.
func one(t *testing.T, title string, problems []string, want string) {
	t.Helper()
	found := slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, want) })
	if want == "" && len(problems) > 0 || want != "" && !found {
		t.Errorf("%.200s: %q, want %q", title, problems, want)
	}
}

func TestParameters(t *testing.T) {
	m := Load(t)
	for _, tt := range []struct{ method, url, body, problem string }{
		{http.MethodGet, list + "?name=a.example.com&type=A&maxitems=1", "", ""},
		{http.MethodGet, list + "?start=a", "", "the parameter start is not known"},
		{http.MethodGet, list + "?name=a&name=b", "", "the parameter name is there 2 times"},
		{http.MethodGet, list + "?type=B", "", `"B" is none of`},
		{http.MethodGet, list, "<a/>", "a body of 4 octets"},
		{http.MethodGet, "/2013-04-01/hostedzonesbyvpc?vpcid=vpc-1", "", "the parameter vpcregion is missing"},
		{http.MethodGet, "/2013-04-01/hostedzone/" + strings.Repeat("Z", 33), "", "is 33 characters, want at most 32"},
		{http.MethodGet, "/2013-04-01/nothing", "", "is no operation of the model"},
		{http.MethodDelete, list, "", "is no operation of the model"},
	} {
		one(t, tt.method+" "+tt.url, m.Request(tt.method, parsed(t, tt.url), []byte(tt.body)), tt.problem)
	}
}

const (
	goodReply   = `<GetChangeResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ChangeInfo><Id>/change/C1</Id><Status>PENDING</Status><SubmittedAt>2026-11-29T12:00:00.000Z</SubmittedAt></ChangeInfo></GetChangeResponse>`
	goodError   = `<ErrorResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error><RequestId>1</RequestId></ErrorResponse>`
	goodInvalid = `<InvalidChangeBatch xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Messages><Message>no</Message></Messages><RequestId>1</RequestId></InvalidChangeBatch>`
)

func TestReply(t *testing.T) {
	m := Load(t)
	for _, tt := range []struct {
		method, url, body, old, new string
		status                      int
		problem                     string
	}{
		{"GET", get, goodReply, "", "", 200, ""},
		{"GET", get, goodReply, "PENDING", "DONE", 200, `"DONE" is none of [PENDING INSYNC]`},
		{"GET", get, goodReply, "2026-11-29T12:00:00.000Z", "yesterday", 200, `"yesterday" is no time`},
		{"GET", get, goodReply, "<Id>/change/C1</Id>", "", 200, "Id is missing"},
		{"GET", get, goodReply, "GetChangeResponse", "Change", 200, "the root is Change"},
		{"GET", get, goodError, "", "", 400, ""},
		{"GET", get, goodError, "", "", 429, "the error Throttling has the status 429, want 400"},
		{"GET", get, goodError, "Throttling", "Throttled", 400, "the error Throttled is not one of its errors"},
		{"GET", get, goodError, "Throttling", "NoSuchChange", 404, ""},
		{"GET", get, goodError, "Throttling", "NoSuchChange", 400, "has the status 400, want 404"},
		{"GET", get, goodError, "Throttling", "InvalidChangeBatch", 400, "is not one of its errors"},
		{"GET", get, goodError, "Sender", "Nobody", 400, `Type "Nobody"`},
		{"GET", get, goodError, "<RequestId>1</RequestId>", "", 400, "RequestId is missing"},
		{"GET", get, goodError, "<Code>", "<Extra>1</Extra><Code>", 400, "has 6 kinds of elements"},
		{"GET", get, "<html/>", "", "", 500, "the root is html"},
		{"GET", get, "<html>", "", "", 500, "XML syntax error"},
		{"POST", post, goodInvalid, "", "", 400, ""},
		{"POST", post, goodInvalid, "Message>", "Text>", 400, "Text in a list of Message"},
		{"POST", "/2013-04-01/nothing", goodInvalid, "", "", 400, "is no operation of the model"},
	} {
		body := tt.body
		if tt.old != "" {
			body = strings.ReplaceAll(body, tt.old, tt.new)
		}
		one(t, body, m.Reply(tt.method, parsed(t, tt.url), tt.status, []byte(body)), tt.problem)
	}
}

// failures is a test that notes that it failed.
type failures struct {
	testing.TB
	said []string
}

func (f *failures) Helper()                           {}
func (f *failures) Errorf(format string, args ...any) { f.said = append(f.said, format) }

func TestWatch(t *testing.T) {
	m := Load(t)
	for _, tt := range []struct {
		url, reply string
		said       int
	}{
		{get, `<?xml version="1.0"?>` + goodReply, 0},
		{get + "?a=b", `<?xml version="1.0"?>` + goodReply, 1},
		{get, `<?xml version="1.0"?><a/>`, 1},
		{get, "no XML at all", 0},
	} {
		f := &failures{TB: t}
		w := m.Watch(f, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Amzn-Requestid", "1")
			_, _ = w.Write([]byte(tt.reply))
		}))
		reply := httptest.NewRecorder()
		w.ServeHTTP(reply, httptest.NewRequest(http.MethodGet, tt.url, nil))
		if len(f.said) != tt.said || w.Seen("GetChange") != 1 {
			t.Errorf("%s %.40s: the test failed %d times, want %d; seen %d", tt.url, tt.reply, len(f.said), tt.said, w.Seen("GetChange"))
		}
		if reply.Body.String() != tt.reply || reply.Header().Get("X-Amzn-Requestid") != "1" {
			t.Errorf("the reply %q passed as %q", tt.reply, reply.Body)
		}
	}
}
