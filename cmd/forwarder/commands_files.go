package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/rndc"
)

// fileCommands are those that write what is known into a file.
func fileCommands() []command {
	return []command{
		{name: "dumpdb", args: "[-all | -cache | -zones | -adb | -bad | -expired | -fail] [view]", summary: "Write what is cached into dump-file", run: dumpDB},
		{name: "recursing", summary: "Write who waits for upstream into recursing-file", run: dumpRecursing},
		{name: "stats", summary: "Append the counters to statistics-file", run: dumpStats},
	}
}

// writeFile writes a file that appears when it is whole, and returns its path: that of the
// configuration. One that is there is replaced, or with add written to.
func writeFile(path string, add bool, write func(io.Writer) error) (string, error) {
	err := replaceFile(path, add, write)
	if errors.Is(err, fs.ErrPermission) && !strings.Contains(path, "/") {
		// The directory of a stock named.conf is not its user's, but data/ in it.
		if inData := filepath.Join("data", path); replaceFile(inData, add, write) == nil {
			return inData, nil
		}
	}
	if err == nil {
		return path, nil
	}
	return "", fileError(path, err)
}

func fileError(path string, err error) error {
	full, _ := filepath.Abs(path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return rndc.PermissionDenied.With(fmt.Sprintf("%s cannot be written: let the option name a file that this process may write", full))
	case errors.Is(err, fs.ErrNotExist):
		return rndc.FileNotFound.With(fmt.Sprintf("%s cannot be written: %s is missing", full, filepath.Dir(full)))
	}
	return fmt.Errorf("writing %s: %w", full, err)
}

// replaceFile goes where host.Place does: a directory that others can write to has
// neither links that lead root elsewhere, nor pipes that wait for a reader.
func replaceFile(path string, add bool, write func(io.Writer) error) error {
	place, err := host.Locate(path)
	if err != nil {
		return err
	}
	defer place.Close()
	if !add {
		return place.ReplaceBy(func(w io.Writer) error { return writeBuffered(w, write) })
	}
	f, err := place.Append()
	if err != nil {
		return err
	}
	return errors.Join(writeBuffered(f, write), f.Close())
}

// writeBuffered keeps the first error of w, so that write need not look at any.
func writeBuffered(w io.Writer, write func(io.Writer) error) error {
	b := bufio.NewWriterSize(w, 64<<10)
	return errors.Join(write(b), b.Flush())
}

// reported is a command's text when a file is written: where it is, if not where BIND
// has it.
func reported(path, wanted string) string {
	if path == wanted {
		return ""
	}
	full, err := filepath.Abs(path)
	if err != nil {
		full = path
	}
	return "written to " + full
}

// writing does a command that writes a file, one at a time, with BIND's lines in the
// log.
func (d *daemon) writing(what, wanted string, add bool, write func(io.Writer) error) (string, error) {
	d.reporting.Lock()
	defer d.reporting.Unlock()
	path, err := writeFile(wanted, add, write)
	if err != nil {
		d.log(logging.Error, "%s failed: %v", what, err)
		return "", err
	}
	d.log(logging.Info, "%s complete", what)
	return reported(path, wanted), nil
}

func dumpRecursing(_ context.Context, d *daemon, _ []string) (string, error) {
	return d.writing("dumprecursing", d.server.Config().Files.Recursing, false, d.writeRecursing)
}

// writeRecursing has BIND's lines, and behind them for how long clients have waited.
func (d *daemon) writeRecursing(w io.Writer) error {
	list, more, zones := d.server.Recursing()
	now := time.Now()
	fmt.Fprint(w, ";\n; Recursing Queries\n;\n")
	for _, r := range list {
		fmt.Fprintf(w, "; client %s: id %d '%s'%s requesttime %d ; waits for %s\n", clientText(r.Client), r.ID,
			questionText(r.For), asFor(r), now.Add(-r.Waiting).Unix(), since(r.Waiting))
	}
	if more > 0 {
		fmt.Fprintf(w, "; and %d more\n", more)
	}
	fmt.Fprintf(w, ";\n; Active fetch domains [view: %s]\n;\n", d.server.Config().View)
	for _, z := range zones {
		fmt.Fprintf(w, "%s: %d active\n", z.Zone, z.Active)
	}
	fmt.Fprint(w, ";\n; Dump complete\n")
	return nil
}

// asFor is the question of a client that waits for another link of its chain.
func asFor(r forwarder.Recursing) string {
	if r.For == r.Asked {
		return ""
	}
	return fmt.Sprintf(" for '%s'", trimDot(r.Asked.Name))
}

func questionText(q dns.Question) string {
	return fmt.Sprintf("%s/%s/%s", trimDot(q.Name), dns.Type(q.Qtype), dns.Class(q.Qclass))
}

// trimDot is a name as BIND logs it.
func trimDot(name string) string {
	if name == "." {
		return name
	}
	return strings.TrimSuffix(name, ".")
}

func clientText(a netip.AddrPort) string {
	if !a.IsValid() {
		return "(in this process)"
	}
	return host.Address(a)
}
