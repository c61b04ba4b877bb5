package markdown

import "testing"

func TestCount(t *testing.T) {
	for _, test := range []struct {
		n    int
		want string
	}{{1, "1"}, {1000, "1 k"}, {1234, "1234"}, {1500, "1.5 k"}, {1_000_000, "1 M"}} {
		if got := Count(test.n); got != test.want {
			t.Errorf("Count(%v) = %q, want %q", test.n, got, test.want)
		}
	}
}

func TestTable(t *testing.T) {
	const want = "| names | hits |\n|-------|-----:|\n| 10 k  |  5 % |\n| ä     |      |\n"
	if got := Table(1, [][]string{{"names", "hits"}, {"10 k", "5 %"}, {"ä", ""}}); got != want {
		t.Errorf("Table = %q, want %q", got, want)
	}
}
