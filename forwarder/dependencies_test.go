package forwarder

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// linked are the modules that the daemon is made of. Each is code that answers
// queries, or runs beside what does: one more is a decision, and what other
// programs of the module need never comes along.
var linked = []string{
	"github.com/beorn7/perks", "github.com/cespare/xxhash/v2", "github.com/dnstap/golang-dnstap", "github.com/farsightsec/golang-framestream",
	"github.com/hashicorp/golang-lru/v2", "github.com/miekg/dns", "github.com/munnerz/goautoneg", "github.com/prometheus/client_golang",
	"github.com/prometheus/client_model", "github.com/prometheus/common", "github.com/prometheus/procfs", "github.com/spf13/pflag",
	"golang.org/x/net", "golang.org/x/sys", "google.golang.org/protobuf",
}

func TestDaemonsDependencies(t *testing.T) {
	for program, sdk := range map[string]bool{"forwarder": false, "failover": true} {
		cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", "../cmd/"+program)
		cmd.Env = append(cmd.Environ(), "GOOS=linux", "CGO_ENABLED=0") // as it is released
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		modules := strings.Fields(string(out))
		slices.Sort(modules)
		modules = slices.Compact(modules)
		if has := slices.ContainsFunc(modules, ofAWS); has != sdk {
			t.Errorf("%s has AWS's SDK: %v, want %v", program, has, sdk)
		}
		if !sdk && !slices.Equal(modules, linked) {
			t.Errorf("the daemon has the modules %v, want %v", modules, linked)
		}
	}
}

func ofAWS(module string) bool { return strings.HasPrefix(module, "github.com/aws/") }
