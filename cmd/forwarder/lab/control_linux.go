package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Key is what is in an rndc.key: what a server and those who command it share.
const Key = `key "rndc-key" { algorithm hmac-sha256; secret "b25seSBmb3IgdGVzdHMsIGFuZCBrbm93biB0byBhbGw="; };
`

// WriteKey returns the path of a file with the Key.
func WriteKey(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rndc.key")
	if err := os.WriteFile(path, []byte(Key), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Controls are the statements of named.conf by which who has the Key commands the
// server, at port 953 of its address, from the network.
func Controls(address string) string {
	return Key + fmt.Sprintf(`controls { inet %s allow { 10.0.0.0/8; } keys { "rndc-key"; }; };
`, address)
}

// Run runs a command in the namespace to its end. The code is -1 for one that a
// signal ended.
func (n *Namespace) Run(t testing.TB, cmd *exec.Cmd) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	dieWithParent(cmd)
	var err error
	n.Do(t, func() { err = cmd.Start() })
	if err != nil {
		t.Fatalf("starting %s: %v", cmd.Path, err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatalf("running %s: %v", cmd.Path, err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}
