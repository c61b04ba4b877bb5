package wire

import (
	"fmt"
	"testing"
)

// Of the message of an answer the same answer is made.
func TestAppendMessage(t *testing.T) {
	for name, msg := range responses(t) {
		for _, p := range []TTLPolicy{longest, {Max: 45}, {Min: 45, Max: 55}, {}} {
			t.Run(fmt.Sprint(name, p), func(t *testing.T) {
				want, ttl := keptAnswer(t, msg, p)
				question := msg[HeaderLen : plainName(msg, HeaderLen)+4]
				again := Answer(want).AppendMessage([]byte("before"), question)
				got, least := keptAnswer(t, again[len("before"):], longest)
				if got != want || least != ttl {
					t.Errorf("answer of its message, and least TTL = %x, %d, want %x, %d", got, least, want, ttl)
				}
			})
		}
	}
}

func keptAnswer(t *testing.T, msg []byte, p TTLPolicy) (string, uint32) {
	t.Helper()
	var m Message
	if !m.Parse(append([]byte(nil), msg...)) || !m.Keepable() {
		t.Fatalf("Parse(%x), Keepable: false, want true", msg)
	}
	ans, ttl := m.AppendAnswer(nil, p)
	return string(ans), ttl
}
