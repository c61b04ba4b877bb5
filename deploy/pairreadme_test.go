package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"vpcdns/forwarder/workbench"
)

// pairSection is what aws.md says of the pair.
func pairSection(t *testing.T) string { return sectionOf(t, "The pair") }

func sectionOf(t *testing.T, title string) string {
	t.Helper()
	text, err := os.ReadFile("aws.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## "+title+"\n")
	if !found {
		t.Fatalf("aws.md has no section %s", title)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	return section
}

var fenced = regexp.MustCompile("(?s)```\n(.*?)```")

// commands are the blocks of the section that call aws, each a script.
func commands(section string) (scripts []string) {
	for _, block := range fenced.FindAllStringSubmatch(section, -1) {
		if strings.Contains(block[1], "aws ") {
			scripts = append(scripts, block[1])
		}
	}
	return scripts
}

var assignment = regexp.MustCompile(`\b([A-Z]\w+)=([^ \n\x60]*)`)

// What is assigned in the README, in commands and in sentences, is a parameter, and takes
// the value.
func TestPairReadmeParameters(t *testing.T) {
	tm := load(t, "pair.yaml")
	all := assignment.FindAllStringSubmatch(pairSection(t), -1)
	for _, a := range all {
		p := section(tm.parameters, a[1])
		value := strings.ReplaceAll(a[2], "BUCKET", "packages")
		if p == nil {
			t.Errorf("aws.md has %s, which is no parameter", a[0])
		} else if reason := refused(p, value); reason != "" {
			t.Errorf("aws.md has %s: %s", a[0], reason)
		}
	}
	if len(all) < 10 {
		t.Errorf("%d assignments, want 10 or more", len(all))
	}
}

var quoted = regexp.MustCompile("`([A-Z][a-z]+[A-Za-z]+)`")

// Names that the README mentions are parameters or outputs.
func TestPairReadmeNames(t *testing.T) {
	tm := load(t, "pair.yaml")
	for _, m := range quoted.FindAllStringSubmatch(pairSection(t), -1) {
		if tm.parameters[m[1]] == nil && tm.outputs[m[1]] == nil {
			t.Errorf("aws.md has %s, which is neither a parameter nor an output", m[1])
		}
	}
}

// asMotoCan is a script without what moto cannot do. The aws command only reads the lines
// about protection and the end (moto deletes a VPC before what is in it), and of an
// update, which a deploy is but for the first, makes the change set.
func asMotoCan(script string, made bool) string {
	script = regexp.MustCompile(`(?m)^(aws cloudformation (update-termination-protection|delete-stack) .*)$`).
		ReplaceAllString(script, "$1 --generate-cli-skeleton output >/dev/null")
	if made {
		script = strings.ReplaceAll(script, " cloudformation deploy ", " cloudformation deploy --no-execute-changeset ")
	}
	return script
}

// The commands of aws.md, in their order, against moto in the place of AWS.
func (m motoServer) testReadmeCommands(t *testing.T) {
	workbench.Need(t, "aws")
	m.reset(t)
	dir := t.TempDir()
	source, err := os.ReadFile("pair.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		"deploy/pair.yaml":                  forMoto(string(source)),
		"bin/forwarder-1.0.0-1.aarch64.rpm": "a package",
		"bin/forwarder-1.0.1-1.aarch64.rpm": "the next",
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	arn := m.shell(t, dir, "aws s3 mb s3://packages >/dev/null\n"+
		"aws secretsmanager create-secret --name Key --secret-string c2VjcmV0 --query ARN --output text")
	said := ""
	for i, script := range commands(pairSection(t)) {
		script = strings.NewReplacer("BUCKET", "packages", "KEY-ARN", strings.TrimSpace(arn), "/etc/", dir+"/").Replace(script)
		said += m.shell(t, dir, asMotoCan(script, i > 0))
	}
	if want := "Successfully created/updated stack - pair\n"; !strings.Contains(said, want) {
		t.Errorf("the commands print %q, want %q in it", said, want)
	}
	key, err := os.ReadFile(filepath.Join(dir, "rndc.key"))
	if want := "key \"rndc-key\" { algorithm hmac-sha256; secret \"c2VjcmV0\"; };\n"; err != nil || string(key) != want {
		t.Errorf("rndc.key = %q, %v, want %q", key, err, want)
	}
}

// The outputs are printed as the README does it. (In moto only create-stack makes them.)
func (m motoServer) testOutputs(t *testing.T) {
	workbench.Need(t, "aws")
	m.reset(t)
	describe := regexp.MustCompile(`(?m)^aws cloudformation describe-stacks .*$`).FindString(pairSection(t))
	source, err := os.ReadFile("pair.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pair.yaml"), []byte(forMoto(string(source))), 0o644); err != nil {
		t.Fatal(err)
	}
	said := m.shell(t, dir, "aws cloudformation create-stack --stack-name pair --template-body file://pair.yaml "+
		"--capabilities CAPABILITY_IAM --parameters ParameterKey=PackageUrl,ParameterValue=s3://packages/forwarder.rpm\n"+describe)
	for _, want := range []string{"AddressA\t10.79.1.10\n", "FailoverCommand\tfailover switch --name myservice.awslab.mycompany.corp "} {
		if !strings.Contains(said, want) {
			t.Errorf("the commands print %q, want %q in it", said, want)
		}
	}
}

// shell runs a script in a directory, with moto in the place of AWS.
func (m motoServer) shell(t *testing.T, dir, script string) string {
	t.Helper()
	cmd := exec.Command("sh", "-euc", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+m.url, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_DEFAULT_REGION=us-east-1", "AWS_PAGER=", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	out, err := cmd.CombinedOutput()
	// To moto, which has not made the change before, the last one changes nothing.
	if err != nil && !strings.Contains(string(out), "No updates are to be performed.") {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}
