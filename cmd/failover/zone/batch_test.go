package zone

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const goodBatch = `{
  "Comment": "Update record to reflect new IP address for a system ",
  "Changes": [
    {
      "Action": "UPSERT",
      "ResourceRecordSet": {
        "Name": "myservice.myvpc.mycompany.com",
        "Type": "A",
        "TTL": 10,
        "ResourceRecords": [
          {
            "Value": "10.79.252.13"
          }
        ]
      }
    }
  ]
}
`

func TestReadBatch(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	path := filepath.Join(home, "change.json")
	if err := os.WriteFile(path, []byte("\xef\xbb\xbf"+goodBatch), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(home)
	for _, arg := range []string{path, "file://" + path, "file://change.json", "change.json", "file://~/change.json", goodBatch} {
		c, err := ReadBatch(arg)
		if err != nil || c.Name != "myservice.myvpc.mycompany.com" || c.TTL != 10 || !slices.Equal(c.Addresses, parse([]string{"10.79.252.13"})) || !strings.HasPrefix(c.Comment, "Update") {
			t.Errorf("ReadBatch(%q) = %+v, %v", arg, c, err)
		}
	}
	_, err := ReadBatch("file:///no/such/file")
	wants(t, err, ErrRefused, "reading the change batch", "/no/such/file")
}

// What is not understood is refused, and named.
func TestReadBatchRefuses(t *testing.T) {
	for _, tt := range []struct{ old, new, want string }{
		{`"UPSERT"`, `"DELETE"`, `action is "DELETE"`},
		{`"Type": "A"`, `"Type": "CNAME"`, `type is "CNAME"`},
		{`"Type": "A"`, `"Type": "AAAA"`, "no address of an AAAA record"},
		{`"10.79.252.13"`, `"10.79.252"`, `"10.79.252" is no address`},
		{`"TTL": 10,`, ``, "no TTL"},
		{`"TTL": 10,`, `"TTL": -1,`, "TTL is -1"},
		{`"TTL": 10,`, `"TTL": 10, "SetIdentifier": "blue", "Weight": 5,`, "SetIdentifier"},
		{`"TTL": 10,`, `"TTL": 10, "AliasTarget": {},`, "AliasTarget"},
		{`"TTL": 10,`, `"TTL": 10, "Ttl2": 10,`, "Ttl2"},
		{`"TTL": 10,`, `"TTL": "10",`, "TTL"},
		{`"Value": "10.79.252.13"`, ``, "is no address"},
		{`"Name": "myservice.myvpc.mycompany.com",`, ``, "no name"},
		{`"Changes"`, `"Change"`, "Change"},
		{"]\n}\n", "]\n", "no JSON"},
		{"]\n}\n", "]\n}\n{}", "something follows"},
		{goodBatch, `{"Changes": []}`, "0 changes"},
		{goodBatch, `{"Changes": [{}, {}]}`, "2 changes"},
	} {
		text := strings.Replace(goodBatch, tt.old, tt.new, 1)
		_, err := ReadBatch(text)
		wants(t, err, ErrRefused, tt.want)
	}
}

func FuzzReadBatch(f *testing.F) {
	f.Add(goodBatch)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseBatch([]byte(text))
		if err == nil && (c.Name == "" || len(c.Addresses) == 0) {
			t.Errorf("parseBatch(%q) = %+v", text, c)
		}
	})
}
