package logging_test

import (
	"fmt"
	"os"
	"path/filepath"

	"vpcdns/forwarder/logging"
)

// A category writes to the channels that it names, each from its severity on.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "logging")
	if err != nil {
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "bind.log")

	logs, err := logging.Open(logging.Config{
		Channels: []logging.Channel{{
			Name: "simple_log", Kind: logging.File, Path: path, Severity: logging.Warning,
			PrintSeverity: true, PrintCategory: true,
		}},
		Categories: map[string][]string{"default": {"simple_log"}},
	})
	if err != nil {
		return
	}
	logs.Logger("resolver").Warn("upstream does not answer", "server", "10.79.0.2")
	logs.Logger("resolver").Info("not severe enough")
	logs.Close()

	text, _ := os.ReadFile(path)
	fmt.Print(string(text))
	// Output: resolver: warning: upstream does not answer server=10.79.0.2
}
