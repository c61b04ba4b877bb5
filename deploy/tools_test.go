package deploy

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"vpcdns/forwarder/workbench"
)

// tool returns the path of a program that Debian does not have, or skips the test.
func tool(t *testing.T, name, pip string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("there is no %s: pip install %s; what it would find is not looked for", name, pip)
	}
	return path
}

// linter is a cfn-lint.
type linter struct{ path string }

// says returns what it says of each template: "" is nothing.
func (l linter) says(t *testing.T, templates []string) []string {
	t.Helper()
	args := []string{"-r", "us-east-1", "-f", "parseable", "--non-zero-exit-code", "warning", "--"}
	dir := t.TempDir()
	for i, text := range templates {
		path := filepath.Join(dir, fmt.Sprintf("%d.yaml", i))
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	out, err := exec.Command(l.path, args...).Output()
	if len(out) == 0 && err != nil {
		t.Fatalf("running cfn-lint: %v", err)
	}
	said := make([]string, len(templates))
	for _, line := range strings.Split(string(out), "\n") {
		for i := range templates {
			if rest, ok := strings.CutPrefix(line, filepath.Join(dir, fmt.Sprintf("%d.yaml:", i))); ok {
				said[i] += rest + "\n"
			}
		}
	}
	return said
}

// motoServer is a moto_server, which plays AWS at an address of loopback.
type motoServer struct{ url string }

// startMoto starts one, which ends with the test.
func startMoto(t *testing.T) motoServer {
	t.Helper()
	path := tool(t, "moto_server", "'moto[server,cloudformation]'")
	port := fmt.Sprint(workbench.FreeAddr(t).Port())
	var said bytes.Buffer
	cmd := exec.Command(path, "-H", "127.0.0.1", "-p", port)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	for range 600 {
		if conn, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			conn.Close()
			return motoServer{"http://127.0.0.1:" + port}
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("moto_server does not listen after a minute")
	return motoServer{}
}

// forMoto works around what moto lacks: secrets made by a template, whose ARN is written
// out here, and instances that have their image from a launch template. That makes it
// longer: without comments it still fits a request.
func forMoto(text string) string {
	text = regexp.MustCompile(`(?m)^ +# .*\n`).ReplaceAllString(text, "")
	text = regexp.MustCompile(`!Ref Key\b`).ReplaceAllString(text, "'arn:aws:secretsmanager:us-east-1:123456789012:secret:Key'")
	return regexp.MustCompile(`LaunchTemplate: \{LaunchTemplateId: .*\}`).ReplaceAllString(text, "ImageId: ami-12345678")
}

// says returns why moto makes no stack of each template: "" where it makes one.
func (m motoServer) says(t *testing.T, templates []string) []string {
	t.Helper()
	said := make([]string, len(templates))
	for i, text := range templates {
		said[i] = m.create(t, fmt.Sprintf("pair-%d", i), forMoto(text))
	}
	return said
}

// create asks for a stack as the aws command does, which takes longer to start than this.
func (m motoServer) create(t *testing.T, name, text string) string {
	t.Helper()
	form := url.Values{"Action": {"CreateStack"}, "Version": {"2010-05-15"}, "StackName": {name}, "TemplateBody": {text},
		"Parameters.member.1.ParameterKey": {"PackageUrl"}, "Parameters.member.1.ParameterValue": {given()["PackageUrl"]}}
	request, err := http.NewRequest("POST", m.url, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/cloudformation/aws4_request, SignedHeaders=host, Signature=0")
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	if reply.StatusCode == http.StatusOK {
		return ""
	}
	return reply.Status + ": " + string(body)
}
