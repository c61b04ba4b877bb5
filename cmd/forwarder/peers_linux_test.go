package main

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes cmd end with the test even if the test is killed.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
