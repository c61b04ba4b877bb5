package main

import (
	"testing"

	"vpcdns/forwarder/config"
)

// A key that anybody could have is none.
func TestEmptySecret(t *testing.T) {
	c := controlServer{d: startCommanded(t, "").daemon}
	keys := c.keysOf([]config.Key{{Name: "empty", Algorithm: "hmac-sha256"}, {Name: "good", Algorithm: "hmac-sha256", Secret: []byte("secret")}})
	if len(keys) != 1 || keys[0].Name != "good" {
		t.Errorf("keysOf = %v, want the one that has a secret", keys)
	}
}
