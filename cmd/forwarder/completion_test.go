package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vpcdns/forwarder/workbench"
)

func completionScript(t *testing.T, shell string) string {
	t.Helper()
	var stdout, stderr strings.Builder
	if status := run([]string{"completion", shell}, &stdout, &stderr); status != 0 || stderr.Len() > 0 {
		t.Fatalf("completion %s = %d, %s", shell, status, stderr.String())
	}
	return stdout.String()
}

// completions are command lines, what has to be among the words for the last one,
// and what must not be.
var completions = []struct{ line, want, not string }{
	{line: "forwarder ", want: "man completion"},
	{line: "forwarder comp", want: "completion", not: "man"},
	{line: "forwarder --che", want: "--check-config", not: "--config"},
	{line: "forwarder -g --metrics", want: "--metrics-address"},
	{line: "forwarder --options pre", want: "prefetch preferred-glue", not: "man"},
	{line: "forwarder man forwarder.", want: "forwarder.conf", not: "man"},
	{line: "forwarder man --l", want: "--list", not: "--listen"},
	{line: "forwarder completion ", want: "bash zsh fish"},
	{line: "forwarder --check-config ", not: "man completion"},
}

// testCompletions holds a shell against them; complete returns the words for a
// command line.
func testCompletions(t *testing.T, complete func(t *testing.T, line string) []string) {
	for _, test := range completions {
		got := complete(t, test.line)
		for _, want := range strings.Fields(test.want) {
			if !slices.Contains(got, want) {
				t.Errorf("%q completes to %q, want %s among them", test.line, got, want)
			}
		}
		for _, not := range strings.Fields(test.not) {
			if slices.Contains(got, not) {
				t.Errorf("%q completes to %q, want no %s", test.line, got, not)
			}
		}
	}
}

// bashAsks loads the script as bash-completion does when TAB is pressed, and calls
// what it has registered.
const bashAsks = `
source /usr/share/bash-completion/bash_completion || exit
_completion_loader forwarder
registered=$(complete -p forwarder) || exit
[[ $registered =~ -F\ ([a-z_]+) ]]
read -ra COMP_WORDS <<<"$1"
[[ $1 != *" " ]] || COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$1 COMP_POINT=${#1}
"${BASH_REMATCH[1]}" forwarder "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
printf '%s\n' "${COMPREPLY[@]}"
`

func TestBashCompletion(t *testing.T) {
	bash := workbench.Need(t, "bash")
	if _, err := os.Stat("/usr/share/bash-completion/bash_completion"); err != nil {
		workbench.Skip(t, "bash-completion is not installed: apt-get install bash-completion")
	}
	home := t.TempDir()
	write(t, filepath.Join(home, "bash-completion/completions/forwarder"), completionScript(t, "bash"))
	testCompletions(t, func(t *testing.T, line string) []string {
		cmd := exec.Command(bash, "--norc", "-c", bashAsks, "bash", line)
		cmd.Env = []string{"PATH=/usr/bin:/bin", "XDG_DATA_HOME=" + home, "HOME=" + home}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("completing %q: %v\n%s", line, err, out)
		}
		return strings.Fields(string(out))
	})
}

func TestFishCompletion(t *testing.T) {
	fish := workbench.Need(t, "fish")
	script := filepath.Join(t.TempDir(), "forwarder.fish")
	write(t, script, completionScript(t, "fish"))
	testCompletions(t, func(t *testing.T, line string) (words []string) {
		cmd := exec.Command(fish, "-c", `source $argv[1]; complete -C $argv[2]`, script, line)
		cmd.Dir, cmd.Env = t.TempDir(), []string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir()}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("completing %q: %v\n%s", line, err, out)
		}
		for row := range strings.Lines(string(out)) {
			text, _, _ := strings.Cut(strings.TrimSpace(row), "\t")
			words = append(words, text)
		}
		return words
	})
}

func TestZshCompletion(t *testing.T) {
	script := filepath.Join(t.TempDir(), "_forwarder")
	write(t, script, completionScript(t, "zsh"))
	if out, err := exec.Command(workbench.Need(t, "zsh"), "-n", script).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("zsh -n: %v\n%s", err, out)
	}
}

func TestCompletionOfNoShell(t *testing.T) {
	var stdout, stderr strings.Builder
	if status := run([]string{"completion", "csh"}, &stdout, &stderr); status != 1 || stdout.Len() > 0 || !strings.Contains(stderr.String(), "bash, zsh, fish") {
		t.Errorf("completion csh = %d, %q, %q, want 1 and the shells", status, stdout.String(), stderr.String())
	}
}
