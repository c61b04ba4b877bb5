package tail

import (
	"net/netip"
	"sync"
	"testing"
)

func line(client, question string) *Line {
	l := &Line{}
	if client != "" {
		l.Client = netip.MustParseAddrPort(client)
	}
	l.SetQuestion([]byte(question))
	return l
}

func TestFilter(t *testing.T) {
	const www, root = "\x03WwW\x07eXample\x00\x00\x01\x00\x01", "\x00\x00\x02\x00\x01"
	for _, tt := range []struct {
		name          string
		filter        Filter
		client, asked string
		want          bool
	}{
		{"all", Filter{}, "10.0.0.1:5", www, true},
		{"client", Filter{Clients: netip.MustParsePrefix("10.0.0.1/32")}, "10.0.0.1:5", www, true},
		{"another client", Filter{Clients: netip.MustParsePrefix("10.0.0.2/32")}, "10.0.0.1:5", www, false},
		{"within the process", Filter{Clients: netip.MustParsePrefix("10.0.0.2/32")}, "", www, false},
		{"zoned client", Filter{Clients: netip.MustParsePrefix("fe80::/10")}, "[fe80::1%lo]:5", www, true},
		{"name", Filter{Below: "\x03www\x07example\x00"}, "10.0.0.1:5", www, true},
		{"parent", Filter{Below: "\x07example\x00"}, "10.0.0.1:5", www, true},
		{"root", Filter{Below: "\x00"}, "10.0.0.1:5", www, true},
		{"child", Filter{Below: "\x01a\x03www\x07example\x00"}, "10.0.0.1:5", www, false},
		{"no label's end", Filter{Below: "\x06xample\x00"}, "10.0.0.1:5", www, false},
		{"another", Filter{Below: "\x07exampla\x00"}, "10.0.0.1:5", www, false},
		{"root asked", Filter{Below: "\x07example\x00"}, "10.0.0.1:5", root, false},
		{"no question", Filter{Below: "\x00"}, "10.0.0.1:5", "", false},
	} {
		if got := tt.filter.picks(line(tt.client, tt.asked)); got != tt.want {
			t.Errorf("%s: picks = %v, want %v", tt.name, got, tt.want)
		}
	}
}

// Every line is there once, or counted as left out, with many who answer and look.
func TestNothingIsLostUntold(t *testing.T) {
	var tail Tail
	if tail.On() {
		t.Error("somebody looks, want nobody")
	}
	const writers, each = 3, 20_000
	watches := []*Watch{tail.Watch(Filter{}), tail.Watch(Filter{})}
	var wg, answering sync.WaitGroup
	done := make(chan struct{})
	for range writers {
		answering.Go(func() {
			l := line("10.0.0.1:5", "\x00\x00\x02\x00\x01")
			for range each {
				tail.Note(l)
			}
		})
	}
	for _, w := range watches {
		wg.Go(func() {
			var n uint64
			for ended := false; ; {
				lines, missed := w.Take()
				n += uint64(len(lines)) + missed
				if ended {
					break
				}
				select {
				case <-done:
					ended = true
				default:
				}
			}
			if n != writers*each {
				t.Errorf("%d lines were seen or counted, want %d", n, writers*each)
			}
		})
	}
	answering.Wait()
	close(done)
	wg.Wait()
	for _, w := range watches {
		w.Close()
	}
	if tail.On() {
		t.Error("somebody looks, want nobody")
	}
}

func TestFewLook(t *testing.T) {
	var tail Tail
	var first *Watch
	for range most {
		if first = tail.Watch(Filter{}); first == nil {
			t.Fatal("Watch = nil")
		}
	}
	if w := tail.Watch(Filter{}); w != nil {
		t.Error("one more may look, want not")
	}
	for range size + 7 {
		tail.Note(line("10.0.0.1:5", "\x00\x00\x02\x00\x01"))
	}
	if n := first.Len(); n != size {
		t.Errorf("%d lines are held, want %d", n, size)
	}
	if lines, missed := first.Take(); len(lines) != size || missed != 7 {
		t.Errorf("Take = %d lines, %d, want %d, 7", len(lines), missed, size)
	}
	first.Close()
	if w := tail.Watch(Filter{}); w == nil {
		t.Error("nobody may look when one has ended")
	}
}
