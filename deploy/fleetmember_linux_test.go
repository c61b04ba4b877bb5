package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// memberData is the user data of a fleet's member, whose secret has this ARN.
func memberData(t testing.TB, secret string) string {
	t.Helper()
	parameters := fleetGiven("PackageUrl", packageURL, "KeyArn", secret, "Ready", readyURL)
	launch := load(t, "fleet.yaml").with(t, parameters).resources["LaunchTemplate"]
	return text(section(launch.properties, "LaunchTemplateData")["UserData"])
}

func TestMemberUserDataLint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "user-data")
	if err := os.WriteFile(path, []byte(memberData(t, missingSecret)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := output(workbench.Need(t, "shellcheck"), path); err != nil {
		t.Errorf("shellcheck: %v\n%s", err, out)
	}
}

// testMember makes the instance a member of a fleet of which nobody else is there: it
// finds its address, and is ready for the balancer all the same.
func testMember(t *testing.T, i *instance) {
	i.succeeds(memberData(t, i.secret))
	i.ready(t, "8053")
	testClients(t, i)
}

// ready waits until the forwarder has given up on members that are not there.
func (i *instance) ready(t *testing.T, port string) {
	t.Helper()
	out, err := "", error(nil)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		i.Do(t, func() {
			out, err = output("curl", "--silent", "--fail", "http://"+lab.ForwarderA+":"+port+"/readyz")
		})
		if err == nil {
			break
		}
	}
	if err != nil || !strings.HasPrefix(out, "ready\n") {
		t.Errorf("readyz = %s, %v", out, err)
	}
}
