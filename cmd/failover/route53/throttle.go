package route53

import (
	"sync"
	"time"
)

// Bucket is a token bucket. The zero value has no bottom.
type Bucket struct {
	Size      int     // requests at once
	PerSecond float64 // that come back
}

// level is how full a bucket is.
type level struct {
	tokens float64
	at     time.Time
}

// throttle counts requests. The zero value has counted none.
type throttle struct {
	mu     sync.Mutex
	levels map[string]level // by action; "" are changes
}

// allows takes a token for a request, two for a change.
func (t *throttle) allows(action string, o Options) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.take(action, o.Calls, o.Clock()) {
		return false
	}
	return action != "ChangeResourceRecordSets" || t.take("", o.Changes, o.Clock())
}

func (t *throttle) take(name string, b Bucket, now time.Time) bool {
	if b == (Bucket{}) {
		return true
	}
	l, known := t.levels[name]
	if !known {
		l = level{tokens: float64(b.Size), at: now}
	}
	l.tokens = min(float64(b.Size), l.tokens+now.Sub(l.at).Seconds()*b.PerSecond)
	l.at = now
	allowed := l.tokens >= 1
	if allowed {
		l.tokens--
	}
	if t.levels == nil {
		t.levels = map[string]level{}
	}
	t.levels[name] = l
	return allowed
}
