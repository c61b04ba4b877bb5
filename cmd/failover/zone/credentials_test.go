package zone

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vpcdns/cmd/failover/route53"
)

// tokens is a stand-in for STS: it notes what it is asked, and lets a role be taken,
// or says no.
type tokens struct {
	code string // of the refusal, "" is none
	hang bool

	mu   sync.Mutex // a request that was given up may still be served
	last url.Values
}

// asked is what the last request was.
func (s *tokens) asked() url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func (s *tokens) note(r *http.Request) {
	_ = r.ParseForm()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = r.Form
}

func (s *tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.note(r)
	w.Header().Set("Content-Type", "text/xml")
	switch {
	case s.hang:
		<-r.Context().Done()
	case s.code != "":
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>%s</Code><Message>User is not authorized</Message></Error></ErrorResponse>`, s.code)
	default:
		fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>token-of-role</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
			time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}
}

func startTokens(t *testing.T) *tokens {
	t.Helper()
	s := &tokens{}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_STS", server.URL)
	return s
}

// signers notes who signed the requests that pass.
func signers(list *[]string) func(http.Handler) http.Handler {
	var mu sync.Mutex // two requests come at the same time
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, key, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
			mu.Lock()
			defer mu.Unlock()
			*list = append(*list, key[:strings.IndexByte(key+"/", '/')]+" "+r.Header.Get("X-Amz-Security-Token"))
			h.ServeHTTP(w, r)
		})
	}
}

const roleARN = "arn:aws:iam::444455556666:role/dns"

func TestRole(t *testing.T) {
	var signed []string
	a := newAccount(t, route53.Options{Wrap: signers(&signed)}, simple("10.0.0.1"))
	sts := startTokens(t)
	z, err := a.open(Settings{ID: "ZPRIVATE", RoleARN: roleARN, ExternalID: "wonderland", SessionName: "night-shift"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Switch(t.Context(), to("10.0.0.2")); err != nil {
		t.Errorf("Switch = %v", err)
	}
	for key, want := range map[string]string{"Action": "AssumeRole", "RoleArn": roleARN, "ExternalId": "wonderland", "RoleSessionName": "night-shift"} {
		if got := sts.asked().Get(key); got != want {
			t.Errorf("STS was asked with %s %q, want %q", key, got, want)
		}
	}
	if who := slices.Compact(signed); !slices.Equal(who, []string{"ASIAROLE token-of-role"}) {
		t.Errorf("requests were signed by %q, want the role only", who)
	}
}

func TestRoleIsRefused(t *testing.T) {
	a := newAccount(t, route53.Options{}, simple("10.0.0.1"))
	sts := startTokens(t)
	for code, want := range map[string]string{"AccessDenied": "its trust policy must name them", "ExpiredToken": "credentials have expired", "InvalidClientTokenId": "does not know these credentials"} {
		sts.code = code
		_, err := a.open(Settings{ID: "ZPRIVATE", RoleARN: roleARN})
		wants(t, err, ErrAPI, "getting credentials", roleARN, want)
		if MayHaveChanged(err) {
			t.Errorf("%v may have changed something, want not", err)
		}
	}
	sts.hang = true
	_, err := a.open(Settings{ID: "ZPRIVATE", RoleARN: roleARN, Timeout: 2 * time.Second})
	wants(t, err, ErrAPI, "in time")
	stopped, stop := context.WithCancel(t.Context())
	stop()
	_, err = Open(stopped, Settings{ID: "ZPRIVATE", RoleARN: roleARN})
	wants(t, err, context.Canceled)
}

// A profile says region, role and external ID, as for AWS's own tools.
func TestProfile(t *testing.T) {
	var signed []string
	a := newAccount(t, route53.Options{Wrap: signers(&signed), Region: "us-gov-west-1"}, simple("10.0.0.1"))
	sts := startTokens(t)
	config := filepath.Join(t.TempDir(), "config")
	text := "[profile base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = s\n" +
		"[profile dns]\nsource_profile = base\nregion = us-gov-east-1\nrole_arn = " + roleARN + "\nexternal_id = wonderland\n" +
		"[profile sso]\nsso_account_id = 111122223333\nsso_role_name = ops\nsso_region = eu-central-1\nsso_start_url = https://corp.example/start\n" +
		"[profile half]\naws_access_key_id = AKID\n" +
		"[profile process]\ncredential_process = sleep 10\n" +
		"[profile mfa]\nsource_profile = base\nrole_arn = " + roleARN + "\nmfa_serial = arn:aws:iam::111122223333:mfa/me\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", config)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	z, err := a.open(Settings{ID: "ZPRIVATE", Profile: "dns"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Read(t.Context(), owner, "A"); err != nil || sts.asked().Get("ExternalId") != "wonderland" {
		t.Errorf("Read = %v; STS was asked %v", err, sts.asked())
	}
	for profile, want := range map[string]string{
		"nobody": `no profile "nobody" in ~/.aws`, "mfa": "get-session-token", "sso": "aws sso login", "half": "partial credentials", "process": "none in time",
	} {
		_, err = a.open(Settings{ID: "ZPRIVATE", Profile: profile, Timeout: 3 * time.Second})
		wants(t, err, ErrAPI, "getting credentials", want)
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("profile %s: %q is no sentence", profile, err)
		}
	}
}

// Each partition has an API of its own, and a region that requests are signed for.
func TestPartitions(t *testing.T) {
	for region, signing := range map[string]string{"": "us-east-1", "eu-central-1": "us-east-1", "cn-north-1": "cn-northwest-1", "us-gov-east-1": "us-gov-west-1"} {
		a := newAccount(t, route53.Options{Region: signing}, simple("10.0.0.1"))
		z, err := a.open(Settings{ID: "ZPRIVATE", Region: region})
		if err == nil {
			_, err = z.Read(t.Context(), owner, "A")
		}
		if err != nil {
			t.Errorf("region %q: %v", region, err)
		}
	}
}

func TestNoCredentials(t *testing.T) {
	a := newAccount(t, route53.Options{})
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	_, err := a.open(Settings{ID: "ZPRIVATE"})
	wants(t, err, ErrAPI, "there are none in the environment", "--profile")
	if n := a.sent(""); n != 0 {
		t.Errorf("%d requests were sent, want none", n)
	}
}
