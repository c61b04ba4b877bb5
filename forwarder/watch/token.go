package watch

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// A token is kept as its digest: who reads a state, or the export of it, cannot confirm
// or withdraw what is not his.

const digestMark = "sha256:"

// digest is what is kept of a token; "" of none.
func digest(token string) string {
	if token == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(token))
	return digestMark + hex.EncodeToString(sum[:])
}

// savedDigest is that of what a state has: earlier programs kept tokens.
func savedDigest(s string) string {
	if b, err := hex.DecodeString(strings.TrimPrefix(s, digestMark)); err == nil && len(b) == sha256.Size && strings.HasPrefix(s, digestMark) {
		return s
	}
	return digest(s)
}
