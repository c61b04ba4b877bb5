package forwarder

import "testing"

func TestRcodeName(t *testing.T) {
	for rcode, want := range map[int]string{0: "NOERROR", 5: "REFUSED", 16: "BADVERS", 23: "BADCOOKIE", 4000: "other"} {
		if got := rcodeName(rcode); got != want {
			t.Errorf("rcodeName(%d) = %q, want %q", rcode, got, want)
		}
	}
}
