package lab

import (
	"strings"
	"testing"
)

func TestNeed(t *testing.T) {
	if path := Need(t, "go", "golang"); !strings.HasSuffix(path, "go") {
		t.Errorf("Need(go) = %q, want the path of go", path)
	}
}
