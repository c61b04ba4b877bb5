package udp

import (
	"strings"
	"testing"
)

func TestOutKeepsReplies(t *testing.T) {
	long := strings.Repeat("long", 3000)
	o := NewOut()
	for _, msg := range []string{"one", "", "two", long, "three"} {
		o.Add(append(o.Room(), msg...), PeerOf(client))
	}
	abandoned := append(o.Room(), "never added"...)
	o.Add(append(o.Room(), "four"...), PeerOf(other))
	for i, want := range []string{"one", "", "two", long, "three", "four"} {
		if got := string(o.reply[i]); got != want {
			t.Errorf("reply %d = %.20q, want %.20q", i, got, want)
		}
	}
	if got := string(abandoned[4:]); got != "r added" || o.Len() != 6 {
		t.Errorf("Room was not given again: %q, Len() = %d", abandoned, o.Len())
	}
}

func TestOutFull(t *testing.T) {
	for _, tc := range []struct{ name, reply string }{
		{"small", "x"},
		{"of the usual limit", strings.Repeat("x", 1232)},
		{"long", strings.Repeat("x", MaxReply)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := NewOut()
			for !o.Full() {
				if cap(o.Room()) < MaxReply {
					t.Fatalf("after %d replies cap(Room()) = %d, want %d or more", o.Len(), cap(o.Room()), MaxReply)
				}
				reply := append(o.Room(), tc.reply...)
				if o.Add(reply, PeerOf(client)); len(reply) <= MaxReply && &reply[0] != &o.buf[o.used-len(reply)] {
					t.Fatalf("reply %d was not added in place", o.Len())
				}
			}
			if want := min(BatchSize, arena/len(tc.reply)); o.Len() != want {
				t.Errorf("full with %d replies, want %d", o.Len(), want)
			}
		})
	}
}

func TestOutReset(t *testing.T) {
	o := NewOut()
	o.Add(make([]byte, 2*arena), PeerOf(client))
	o.Add(append(o.Room(), 'x'), PeerOf(client))
	if o.Reset(); o.Len() != 0 || len(o.Room()) != 0 || cap(o.Room()) != arena || o.reply[0] != nil {
		t.Errorf("after reset: Len %d, cap(Room) %d, first reply of %d bytes; want 0, %d, 0",
			o.Len(), cap(o.Room()), len(o.reply[0]), arena)
	}
}
