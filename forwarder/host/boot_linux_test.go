package host

import "testing"

func TestBoot(t *testing.T) {
	id, before := Boot()
	if id == [16]byte{} || before <= 0 {
		t.Fatalf("Boot = %x, %v, want an id and a time", id, before)
	}
	if again, after := Boot(); again != id || after < before {
		t.Errorf("Boot = %x, %v, then %x, %v, want one id and a time that runs", id, before, again, after)
	}
}
