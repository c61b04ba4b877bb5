package wire

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// CookieLen is the length of the COOKIE option's data in our replies: the
// client's 8 octets and our 16 (RFC 9018, 4).
const CookieLen = 24

const (
	clientCookieLen = 8
	cookieHead      = 16 // all but the hash: client cookie, version, three reserved octets, time
	cookieVersion   = 1
)

// A server cookie is good for an hour, and for five minutes of clock skew
// (RFC 9018, 4.3), in seconds.
const (
	cookieLife = 3600
	cookieSkew = 300
)

// AppendCookie appends the client's cookie and our server cookie for it
// (RFC 9018, 4: version 1, SipHash-2-4). now is Unix time in seconds. Any
// server with the same secret makes the same cookie.
func AppendCookie(dst, client []byte, addr netip.Addr, now uint32, secret *[16]byte) []byte {
	var head [cookieHead]byte
	copy(head[:], client[:clientCookieLen])
	head[clientCookieLen] = cookieVersion
	binary.BigEndian.PutUint32(head[12:], now)
	dst = append(dst, head[:]...)
	return binary.LittleEndian.AppendUint64(dst, cookieHash(&head, addr, secret))
}

// cookieHash signs what stands before the hash, and the client's address.
func cookieHash(head *[cookieHead]byte, addr netip.Addr, secret *[16]byte) uint64 {
	var in [cookieHead + 16]byte
	n := copy(in[:], head[:])
	if addr = addr.Unmap(); addr.Is4() {
		ip := addr.As4()
		n += copy(in[n:], ip[:])
	} else {
		ip := addr.As16()
		n += copy(in[n:], ip[:])
	}
	return sipHash(secret, in[:n])
}

// GoodCookie reports whether cookie is one that a server with secret made for
// addr, and not too long ago. Its reserved octets are hashed as they are: they
// need not be zero (RFC 9018, 4.2).
func GoodCookie(cookie []byte, addr netip.Addr, now uint32, secret *[16]byte) bool {
	if len(cookie) != CookieLen || cookie[clientCookieLen] != cookieVersion {
		return false
	}
	made := binary.BigEndian.Uint32(cookie[12:])
	if age := int32(now - made); age > cookieLife || age < -cookieSkew {
		return false
	}
	hash := cookieHash((*[cookieHead]byte)(cookie), addr, secret)
	return hash == binary.LittleEndian.Uint64(cookie[cookieHead:])
}

// sipHash is SipHash-2-4 (Aumasson and Bernstein, 2012).
func sipHash(key *[16]byte, msg []byte) uint64 {
	k0, k1 := binary.LittleEndian.Uint64(key[:]), binary.LittleEndian.Uint64(key[8:])
	s := sipState{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573}
	last := uint64(len(msg)) << 56
	for ; len(msg) >= 8; msg = msg[8:] {
		s.absorb(binary.LittleEndian.Uint64(msg))
	}
	for i, b := range msg {
		last |= uint64(b) << (8 * i)
	}
	s.absorb(last)
	s[2] ^= 0xff
	for range 4 {
		s.round()
	}
	return s[0] ^ s[1] ^ s[2] ^ s[3]
}

type sipState [4]uint64

func (s *sipState) absorb(m uint64) {
	s[3] ^= m
	s.round()
	s.round()
	s[0] ^= m
}

func (s *sipState) round() {
	s[0] += s[1]
	s[1] = bits.RotateLeft64(s[1], 13) ^ s[0]
	s[0] = bits.RotateLeft64(s[0], 32)
	s[2] += s[3]
	s[3] = bits.RotateLeft64(s[3], 16) ^ s[2]
	s[0] += s[3]
	s[3] = bits.RotateLeft64(s[3], 21) ^ s[0]
	s[2] += s[1]
	s[1] = bits.RotateLeft64(s[1], 17) ^ s[2]
	s[2] = bits.RotateLeft64(s[2], 32)
}
