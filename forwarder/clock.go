package forwarder

import (
	"fmt"
	"time"
)

// elapsed is what an answer's age takes off its TTLs, in seconds, so that no
// reply outlives what upstream had left: the age rounded up, but for 100 ms
// that a reply may take on its way.
func elapsed(age time.Duration) uint32 {
	const grace = 100 * time.Millisecond
	if age <= grace {
		return 0
	}
	return uint32((age - grace + time.Second - 1) / time.Second)
}

func seconds(d time.Duration) uint32 { return uint32(d / time.Second) }

// napping is the longest difference between two clocks that is no suspension:
// they are not read at the same instant.
const napping = 100 * time.Millisecond

// noteSleep puts the server's clock forward by the time that the machine was
// suspended, which Go's clock leaves out: TTLs would be stretched by it.
func (s *Server) noteSleep() {
	slept := s.net.asleep() - s.sleptBefore
	more := slept - time.Duration(s.slept.Load())
	if more <= napping {
		return
	}
	s.slept.Store(int64(slept))
	s.logs.general.Warn(fmt.Sprintf("the machine was suspended for %v", more.Round(time.Millisecond)))
}
