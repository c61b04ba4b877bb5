package rndc

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"strings"
	"sync"
)

// Algorithm is one of the HMACs that BIND signs with.
type Algorithm struct {
	name string
	code byte // that goes before the MAC; hmac-md5 has a form without
	hash func() hash.Hash
}

// algorithms are from RFC 8945, section 6; the codes are BIND's own.
var algorithms = []Algorithm{
	{"hmac-md5", 157, md5.New},
	{"hmac-sha1", 161, sha1.New},
	{"hmac-sha224", 162, sha256.New224},
	{"hmac-sha256", 163, sha256.New},
	{"hmac-sha384", 164, sha512.New384},
	{"hmac-sha512", 165, sha512.New},
}

// String is the name in named.conf.
func (a Algorithm) String() string { return a.name }

// Size is the length of the MAC in octets, which is a good one for a secret.
func (a Algorithm) Size() int { return a.hash().Size() }

// Algorithms are the names of all.
func Algorithms() []string {
	var names []string
	for _, a := range algorithms {
		names = append(names, a.name)
	}
	return names
}

// ParseAlgorithm finds an algorithm by its name, in any case.
func ParseAlgorithm(name string) (Algorithm, error) {
	for _, a := range algorithms {
		if strings.EqualFold(a.name, name) {
			return a, nil
		}
	}
	return Algorithm{}, fmt.Errorf("unsupported algorithm: %s", name)
}

// Key is a secret that both sides have. The name does not travel. Its methods may
// be called by several goroutines.
type Key struct {
	Name      string
	algorithm Algorithm
	secret    []byte

	mu   sync.Mutex // of what is kept, as nothing is to be allocated before authentication
	mac  hash.Hash
	sum  [sha512.Size]byte
	room [shaLength]byte
}

// NewKey returns a key with a secret as it is after base64.
func NewKey(name string, a Algorithm, secret []byte) *Key {
	return &Key{Name: name, algorithm: a, secret: secret, mac: hmac.New(a.hash, secret)}
}

// The signature is the first entry of a frame, a table of one entry: hmd5 with
// 22 characters of base64, or hsha with the code, then base64 filled with zeros.
const shaLength = 1 + 88

// sign returns the signature as it stands on the wire. k.mu is held, as long as
// it is used.
func (k *Key) sign(signed []byte) []byte {
	k.mac.Reset()
	k.mac.Write(signed)
	sum := k.mac.Sum(k.sum[:0])
	if k.algorithm.code == algorithms[0].code {
		return base64.RawStdEncoding.AppendEncode(k.room[:0], sum)
	}
	k.room = [shaLength]byte{k.algorithm.code}
	base64.StdEncoding.Encode(k.room[1:], sum)
	return k.room[:]
}

// signature is sign for messages of our own.
func (k *Key) signature(signed []byte) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return string(k.sign(signed))
}

// authKey is the name of the signature within _auth.
func (k *Key) authKey() string {
	if k.algorithm.code == algorithms[0].code {
		return "hmd5"
	}
	return "hsha"
}

// verify reports whether mac is ours of signed. It allocates nothing.
func (k *Key) verify(authKey string, mac, signed []byte) bool {
	if authKey != k.authKey() {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return hmac.Equal(k.sign(signed), mac)
}
