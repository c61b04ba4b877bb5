package route53

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vpcdns/cmd/failover/route53/servicemodel"
	"vpcdns/forwarder/workbench"
)

// batch is as an operator has it in a file.
const batch = `{
  "Comment": "Update record to reflect new IP address for a system ",
  "Changes": [{"Action": "UPSERT", "ResourceRecordSet": {
    "Name": "myservice.awslab.mycompany.corp", "Type": "A", "TTL": 10, "ResourceRecords": [{"Value": "10.79.252.14"}]
  }}]
}`

// cli runs Debian's aws against a Server.
type cli struct {
	t    *testing.T
	path string
	url  string
}

// run returns what aws prints as JSON, or what it says if it fails.
func (c cli) run(args ...string) (reply map[string]any, failure string) {
	c.t.Helper()
	cmd := exec.Command(c.path, append([]string{"route53", "--endpoint-url", c.url, "--output", "json"}, args...)...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_SESSION_TOKEN=token", "AWS_DEFAULT_REGION=eu-central-1",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "AWS_PAGER=", "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, strings.TrimSpace(string(out))
	}
	if len(out) > 0 {
		if err := json.Unmarshal(out, &reply); err != nil {
			c.t.Errorf("aws %q printed %q: %v", args, out, err)
		}
	}
	return reply, ""
}

// must is run without a failure, and returns the reply's member.
func (c cli) must(member string, args ...string) any {
	c.t.Helper()
	reply, failure := c.run(args...)
	if failure != "" {
		c.t.Fatalf("aws %q: %s", args, failure)
	}
	return reply[member]
}

// status of a change, and its ID.
func status(t *testing.T, info any) (status, id string) {
	t.Helper()
	fields, ok := info.(map[string]any)
	if !ok {
		t.Fatalf("ChangeInfo is %v", info)
	}
	return fields["Status"].(string), fields["Id"].(string)
}

func TestDebiansCLI(t *testing.T) {
	path := workbench.Need(t, "aws")
	var watcher *servicemodel.Watcher
	var late atomic.Int64 // by how much the Server's clock is, ns
	s := New(Options{
		Delays: []time.Duration{10 * time.Second, 40 * time.Second},
		Clock:  func() time.Time { return time.Now().Add(time.Duration(late.Load())) },
		Wrap: func(h http.Handler) http.Handler {
			watcher = servicemodel.Load(t).Watch(t, h)
			return watcher
		},
	})
	records := []RecordSet{Simple(name, "A", 10, "10.79.252.13"), Alias("*.now."+name, "A", "ZPRIVATE", name)}
	for _, z := range []Zone{{ID: "ZPRIVATE", Name: apex, VPCs: []VPC{{"eu-central-1", vpcA}}, Records: records}, {ID: "ZPUBLIC", Name: apex, Tags: map[string]string{"stage": "live"}}} {
		if _, err := s.AddZone(z); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "batch.json")
	if err := os.WriteFile(file, []byte(batch), 0o600); err != nil {
		t.Fatal(err)
	}
	aws := cli{t, path, listen(t, s)}

	change := []string{"change-resource-record-sets", "--hosted-zone-id", "ZPRIVATE", "--change-batch", "file://" + file}
	got, id := status(t, aws.must("ChangeInfo", change...))
	if got != "PENDING" {
		t.Errorf("the change is %s, want PENDING", got)
	}
	if got, _ := status(t, aws.must("ChangeInfo", "get-change", "--id", id)); got != "PENDING" {
		t.Errorf("get-change at once: %s, want PENDING", got)
	}
	late.Store(int64(time.Minute))
	if got, _ := status(t, aws.must("ChangeInfo", "get-change", "--id", id)); got != "INSYNC" {
		t.Errorf("get-change a minute later: %s, want INSYNC", got)
	}
	aws.must("", "wait", "resource-record-sets-changed", "--id", id)

	sets := aws.must("ResourceRecordSets", "list-resource-record-sets", "--hosted-zone-id", "ZPRIVATE", "--page-size", "1").([]any)
	if text, err := json.Marshal(sets); err != nil || len(sets) != 4 || !strings.Contains(string(text), "10.79.252.14") || !strings.Contains(string(text), `\\052.now.myservice`) {
		t.Errorf("list-resource-record-sets in pages of 1: %s, want four sets, the new address and the wildcard", text)
	}
	for member, args := range map[string][]string{
		"HostedZones":         {"list-hosted-zones-by-name", "--dns-name", "awslab.mycompany.corp"},
		"HostedZoneSummaries": {"list-hosted-zones-by-vpc", "--vpc-id", vpcA, "--vpc-region", "eu-central-1"},
		"VPCs":                {"get-hosted-zone", "--id", "ZPRIVATE"},
		"ResourceTagSet":      {"list-tags-for-resource", "--resource-type", "hostedzone", "--resource-id", "ZPUBLIC"},
	} {
		if text, err := json.Marshal(aws.must(member, args...)); err != nil || len(text) < 20 {
			t.Errorf("aws %q: %s = %s", args, member, text)
		}
	}
	if err := os.WriteFile(file, []byte(strings.Replace(batch, "UPSERT", "CREATE", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Break(Fault{Wrap: true})
	if _, got := aws.run(change...); !strings.Contains(got, "(InvalidChangeBatch)") || !strings.Contains(got, "but it already exists") {
		t.Errorf("CREATE of what is there: %q, want InvalidChangeBatch", got)
	}
	s.Break(Fault{Code: "Throttling"})
	if _, got := aws.run("list-hosted-zones"); !strings.Contains(got, "(Throttling)") || !strings.Contains(got, "Rate exceeded") {
		t.Errorf("while throttled: %q, want Throttling", got)
	}
	for _, operation := range []string{"ChangeResourceRecordSets", "GetChange", "ListResourceRecordSets", "ListHostedZones", "ListHostedZonesByName", "ListHostedZonesByVPC", "GetHostedZone", "ListTagsForResource"} {
		if watcher.Seen(operation) == 0 {
			t.Errorf("the model saw no %s", operation)
		}
	}
}
