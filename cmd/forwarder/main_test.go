package main

import (
	"os"
	"testing"

	"vpcdns/forwarder/workbench"
)

// Tests say themselves what a service manager tells the forwarder.
func TestMain(m *testing.M) {
	workbench.ForgetManager()
	os.Exit(m.Run())
}
