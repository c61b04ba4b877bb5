package main

import (
	"strings"
	"testing"
	"time"

	"vpcdns/forwarder/watch"
)

// Of what upstream has not been heard about no time and TTL is shown.
func TestSheetOfUnheard(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	st := watch.Status{Name: "app.corp.test", Since: now, Now: now, Sets: []watch.SetStatus{
		{Type: "A", Given: []string{"10.0.0.9"}, Pinned: "override"},
		{Type: "AAAA", Given: []string{"2001:db8::1"}, Said: []string{"2001:db8::1"}, Since: now, TTL: 10},
	}}
	s := new(sheet)
	s.status(&st)
	text := s.text()
	wantMatch(t, text, `^  A +10\.0\.0\.9 \(override\); upstream says no data$`, `^  AAAA +2001:db8::1, since 2026-03-01 12:00:00 UTC \(0s ago\), TTL 10$`)
	if strings.Contains(text, "0001") {
		t.Errorf("a time that never was is shown: %s", text)
	}
}
