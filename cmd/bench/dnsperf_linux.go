package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// longest is how long a load becomes for which the machine was too busy to bring a
// single answer.
const longest = 10 * time.Second

// dnsperf asks the questions of file for that long with so many sockets; longer
// where no answer came.
func dnsperf(ctx context.Context, server netip.AddrPort, file string, sockets int, length time.Duration, extra ...string) (report, error) {
	r, err := runDnsperf(ctx, server, file, sockets, length, extra...)
	if errors.Is(err, errNoAnswers) && length < longest {
		return dnsperf(ctx, server, file, sockets, min(8*length, longest), extra...)
	}
	return r, err
}

func runDnsperf(ctx context.Context, server netip.AddrPort, file string, sockets int, length time.Duration, extra ...string) (report, error) {
	args := append([]string{"-s", server.Addr().String(), "-p", fmt.Sprint(server.Port()), "-d", file, "-c", strconv.Itoa(sockets),
		"-l", strconv.FormatFloat(length.Seconds(), 'f', 3, 64), "-T", "1", "-t", "1"}, extra...)
	cmd := exec.CommandContext(ctx, "dnsperf", args...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	text, err := cmd.Output()
	if err != nil {
		return report{}, fmt.Errorf("running dnsperf: %w\n%s", err, &complaints)
	}
	return parseReport(text)
}

// knownNames writes questions for some of the names in the caches to a file, in
// random order, so that memory is not read in the order it was filled.
func knownNames(path string, names, most int) error {
	return questions(path, stem, rand.Perm(names)[:min(names, most)])
}

// newNames writes n questions that were never asked.
func newNames(path string, n, series int) error {
	return questions(path, fmt.Sprintf("new%dx", series), rand.Perm(n))
}

func questions(path, prefix string, numbers []int) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	w := bufio.NewWriter(file)
	for _, n := range numbers {
		fmt.Fprintf(w, "%s%d.awslab.mycompany.corp A\n", prefix, n) // Flush tells
	}
	return w.Flush()
}
