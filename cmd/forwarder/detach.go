package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

const (
	// detachedEnv marks the process that detach started. It is an environment
	// variable so that ps shows the command line that was typed.
	detachedEnv = "FORWARDER_DETACHED"

	// startupFd is where that process tells how its start goes: text for the
	// terminal, and a NUL once it serves.
	startupFd = 3
)

func isDetached() bool { return os.Getenv(detachedEnv) != "" }

// detach starts this program anew in a session of its own, waits until it
// serves and returns the exit status. Go cannot fork: its threads would not
// come along.
func detach(stderr io.Writer) int {
	p, err := startDetached(nil, "")
	if err != nil {
		fmt.Fprintf(stderr, "forwarder: starting in the background: %v\n", err)
		return exitFailure
	}
	defer p.report.Close()
	if follow(p.report, stderr) == nil {
		return 0
	}
	_ = p.cmd.Wait() // its status is what counts
	return max(p.cmd.ProcessState.ExitCode(), exitFailure)
}

// detached is a process that was started.
type detached struct {
	cmd    *exec.Cmd
	report *os.File // how its start goes
}

// startDetached starts this program, with sockets, and more that names tell, if it is
// to take our place: then it also writes to where we write.
func startDetached(files []*os.File, names string) (*detached, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), detachedEnv+"=1", fmt.Sprintf("%s=%d", successorEnv, len(files)), successorNamesEnv+"="+names)
	cmd.ExtraFiles = append([]*os.File{w}, files...) // from startupFd on
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if len(files) > 0 {
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	}
	err = cmd.Start()
	w.Close()
	if err != nil {
		r.Close()
		return nil, err
	}
	return &detached{cmd, r}, nil
}

// errNotStarted is the end of a process that was to serve; it has said why.
var errNotStarted = errors.New("the server ended before it was ready")

// follow passes on what the start says, until it says that it succeeded or
// ends: errNotStarted.
func follow(r io.Reader, stderr io.Writer) error {
	buf := make([]byte, 4096)
	said := 0
	for {
		n, err := r.Read(buf)
		text, _, ready := bytes.Cut(buf[:n], []byte{0})
		stderr.Write(text)
		said += len(text)
		switch {
		case ready:
			return nil
		case err == nil:
			continue
		case said == 0:
			fmt.Fprintf(stderr, "forwarder: %v\n", errNotStarted)
		}
		return errNotStarted
	}
}

// startup is where the start is told about: the terminal.
type startup struct {
	io.Writer
	done func() error
}

// newStartup is stderr, or the way to it if detach started us.
func newStartup(stderr io.Writer) startup {
	if !isDetached() {
		return startup{stderr, func() error { return nil }}
	}
	pipe := os.NewFile(startupFd, "startup")
	return startup{pipe, func() error {
		_, err := pipe.Write([]byte{0})
		return errors.Join(err, pipe.Close())
	}}
}
