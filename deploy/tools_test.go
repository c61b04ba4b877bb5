package deploy

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
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

// reset makes it forget all that was made.
func (m motoServer) reset(t *testing.T) {
	t.Helper()
	reply, err := http.Post(m.url+"/moto-api/reset", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		t.Fatalf("resetting moto: %s", reply.Status)
	}
}

// create asks for a stack as the aws command does, which takes longer to start than this,
// and returns why moto makes none: "" where it makes one.
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
