package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"vpcdns/cmd/bench/sizing"
)

// measurePoints plays each point to the forwarder's program in real time.
func measurePoints(ctx context.Context, path string) error {
	dir, err := os.MkdirTemp("", "sizing")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "forwarder")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "vpcdns/cmd/forwarder").CombinedOutput(); err != nil {
		return fmt.Errorf("building the forwarder: %w\n%s", err, out)
	}
	m := sizing.Measured{Date: time.Now().Format(time.DateOnly), Machine: fmt.Sprintf("%d cores, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())}
	for _, p := range sizing.Points() {
		fmt.Fprintf(os.Stderr, "playing %s: %v\n", p.Name, p.Length)
		played := &played{Scenario: p.Scenario, dir: dir}
		if err := played.play(ctx, program); err != nil {
			return fmt.Errorf("playing %s: %w", p.Name, err)
		}
		simulated := sizing.Run(p.Scenario).Packets
		fmt.Printf("%s: %d packets, simulated %d; %d of %d queries answered\n", p.Name, played.packets, simulated, played.answered.Load(), played.asked)
		m.Points = append(m.Points, sizing.MeasuredPoint{Name: p.Name, Packets: played.packets, Queries: played.asked, Answered: int(played.answered.Load())})
	}
	return m.Save(path)
}
