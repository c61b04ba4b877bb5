package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vpcdns/forwarder/workbench"
)

const (
	packageURL = "s3://packages/forwarder.rpm"
	readyURL   = "http://10.79.0.2:8000/ready?Signature=x%2By" // the wait condition's handle

	// missingSecret is the ARN of a secret that is not there.
	missingSecret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:rndc-AbCdEf"
)

// userData is that of forwarder A, whose secret has this ARN. More are parameters of the
// template and their values.
func userData(t testing.TB, secret string, more ...string) string {
	t.Helper()
	parameters := append([]string{"PackageUrl", packageURL, "Key", secret, "ReadyA", readyURL}, more...)
	launch := load(t, "pair.yaml").with(t, given(parameters...)).resources["LaunchTemplateA"]
	return text(section(launch.properties, "LaunchTemplateData")["UserData"])
}

func TestUserDataLint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "user-data")
	if err := os.WriteFile(path, []byte(userData(t, missingSecret)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := output(workbench.Need(t, "shellcheck"), path); err != nil {
		t.Errorf("shellcheck: %v\n%s", err, out)
	}
}

// output is what a program here says.
func output(program string, args ...string) (string, error) {
	out, err := exec.Command(program, args...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}
