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

// drawing are the modules that forwarder top draws with. The daemon calls none of them.
var drawing = []string{
	"charm.land/bubbletea/v2", "charm.land/lipgloss/v2", "github.com/charmbracelet/colorprofile", "github.com/charmbracelet/ultraviolet",
	"github.com/charmbracelet/x/ansi", "github.com/charmbracelet/x/term", "github.com/charmbracelet/x/termios", "github.com/charmbracelet/x/windows",
	"github.com/clipperhouse/displaywidth", "github.com/clipperhouse/uax29/v2", "github.com/lucasb-eyer/go-colorful", "github.com/mattn/go-runewidth",
	"github.com/muesli/cancelreader", "github.com/rivo/uniseg", "github.com/xo/terminfo", "golang.org/x/sync",
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
		if want := slices.Sorted(slices.Values(slices.Concat(linked, drawing))); !sdk && !slices.Equal(modules, want) {
			t.Errorf("the daemon has the modules %v, want %v", modules, want)
		}
	}
}

func ofAWS(module string) bool { return strings.HasPrefix(module, "github.com/aws/") }
