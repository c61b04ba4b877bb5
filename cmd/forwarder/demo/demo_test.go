package demo

import (
	"context"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// ender ends a context when a text is written.
type ender struct {
	text strings.Builder
	when string
	end  context.CancelFunc
}

func (e *ender) Write(p []byte) (int, error) {
	if strings.Contains(string(p), e.when) {
		e.end()
	}
	return e.text.Write(p)
}

// No goroutine outlives a run, wherever it ends.
func TestRunLeavesNothing(t *testing.T) {
	for _, when := range []string{"A pair", "client gets", "is silent"} {
		t.Run(when, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			ctx, end := context.WithCancel(t.Context())
			out := &ender{when: when, end: end}
			if err := Run(ctx, out); err != nil || ctx.Err() == nil {
				t.Errorf("Run = %v, want nil as soon as it is ended", err)
			}
			readTranscript(t, out.text.String())
		})
	}
}
