package demo

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a pseudo terminal: what people have, and what a
// program writes to.
func openTerminal(t *testing.T) (people, program *os.File) {
	t.Helper()
	people, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no pseudo terminals here: %v", err)
	}
	t.Cleanup(func() { people.Close() })
	n, err := unix.IoctlGetInt(int(people.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(people.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		program, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return people, program
}

// On a terminal the pair stays up after its last line: the pages are there, and answers
// are too, until Ctrl-C.
func testTerminal(t *testing.T, binary string) {
	people, program := openTerminal(t)
	p := newProgram(t, binary)
	p.Stdout, p.Stdin = program, program
	p.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true} // so that Ctrl-C is a signal
	err := p.Start()
	program.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() }) // it has ended, unless the test failed
	var text strings.Builder
	for lines := bufio.NewScanner(people); lines.Scan(); {
		text.WriteString(lines.Text() + "\n")
		if sumLine.MatchString(lines.Text()) {
			break
		}
	}
	readTranscript(t, text.String()).holdRules(t)
	if !strings.Contains(text.String(), "until Ctrl-C. See the pages:\n") {
		t.Errorf("it does not say that it stays:\n%s", &text)
	}
	for line := range strings.Lines(text.String()) {
		tryOut(t, strings.TrimSuffix(line, "\n"))
	}
	const ctrlC = "\x03"
	if _, err := people.WriteString(ctrlC); err != nil {
		t.Fatal(err)
	}
	p.end(t)
}
