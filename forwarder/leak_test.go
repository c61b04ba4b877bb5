package forwarder

import (
	"testing"

	"go.uber.org/goleak"
)

// No goroutine is left after Serve has returned.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
