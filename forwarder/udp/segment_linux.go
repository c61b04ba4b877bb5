//go:build amd64 || arm64

package udp

import (
	"encoding/binary"
	"math/bits"

	"golang.org/x/sys/unix"
)

// maxSegmented is the most bytes of one UDP_SEGMENT message: what an IPv4
// datagram carries (65507), less the longer header of IPv6.
const maxSegmented = 65507 - 20

// slotWidth makes twice as many slots as a batch has groups at most.
const slotWidth = 7

// groups sorts the replies of a batch into messages: all of one size to one
// peer make a group.
type groups struct {
	slot  [1 << slotWidth]uint8 // open addressing by Peer.hash; group+1, 0 is free
	of    [BatchSize]uint8      // group of each reply
	first [BatchSize]uint8      // first reply of each group
	size  [BatchSize]uint8      // replies in each group
	start [BatchSize]uint8      // where the group's iovecs begin
}

// plan fills msgs for the replies of the batch.
func (o *Out) plan() {
	o.next = 0
	if o.segment && o.n > 1 && o.group() < o.n {
		o.planGroups()
		return
	}
	for i := range o.n {
		o.iovs[i] = iovec(o.reply[i])
		o.message(i, i, i, 1)
	}
	o.count = o.n
}

// message makes msgs[m] a datagram to the peer of reply r with count iovecs.
func (o *Out) message(m, r, iov, count int) {
	o.msgs[m].hdr = unix.Msghdr{
		Name:    o.peer[r].sockaddr(),
		Namelen: unix.SizeofSockaddrInet6,
		Iov:     &o.iovs[iov],
		Iovlen:  uint64(count),
	}
}

// group assigns each reply to a group and sets count to their number, which it
// returns.
func (o *Out) group() int {
	g := &o.groups
	clear(g.slot[:])
	o.count = 0
	for i := range o.n {
		k := o.find(i)
		g.of[i] = uint8(k)
		g.size[k]++
	}
	return o.count
}

// find returns the group for reply i, a new one if there is none with room.
func (o *Out) find(i int) int {
	g, size := &o.groups, len(o.reply[i])
	for h := o.peer[i].hash(size, slotWidth); ; h++ {
		slot := &g.slot[h%uint64(len(g.slot))]
		if *slot == 0 {
			*slot = uint8(o.newGroup(i)) + 1
		}
		if k := int(*slot - 1); o.joins(i, size, k) {
			return k
		}
	}
}

// hash spreads peers and reply sizes over 1<<width slots.
func (p *Peer) hash(size, width int) uint64 {
	x := binary.NativeEndian.Uint64(p.rest[0:]) ^ binary.NativeEndian.Uint64(p.rest[12:])
	x ^= bits.RotateLeft64(uint64(binary.NativeEndian.Uint16(p.port[:]))<<16|uint64(size), 32)
	return x * 0x9E3779B97F4A7C15 >> (64 - width) // 2^64 / golden ratio
}

// newGroup begins a group with reply i, and returns its number.
func (o *Out) newGroup(i int) int {
	k := o.count
	o.count++
	o.groups.first[k], o.groups.size[k] = uint8(i), 0
	return k
}

// joins reports whether reply i fits into group k.
func (o *Out) joins(i, size, k int) bool {
	first, count := int(o.groups.first[k]), int(o.groups.size[k])
	return len(o.reply[first]) == size && o.peer[first] == o.peer[i] &&
		(count == 0 || (count+1)*size <= maxSegmented && size > 0)
}

// planGroups makes a message of every group.
func (o *Out) planGroups() {
	g, start := &o.groups, 0
	for k := range o.count {
		first, count := int(g.first[k]), int(g.size[k])
		o.message(k, first, start, count)
		if count > 1 {
			o.segmented(k, len(o.reply[first]))
		}
		g.start[k] = uint8(start)
		start += count
	}
	for i := range o.n {
		at := &g.start[g.of[i]]
		o.iovs[*at] = iovec(o.reply[i])
		*at++
	}
}

// segmented tells the kernel to cut msgs[m] into datagrams of size bytes.
func (o *Out) segmented(m, size int) {
	s := &o.sizes[m]
	s.hdr = unix.Cmsghdr{Level: unix.SOL_UDP, Type: unix.UDP_SEGMENT}
	s.hdr.SetLen(unix.CmsgLen(2))
	s.size = uint16(size)
	o.msgs[m].hdr.Control = s.control()
	o.msgs[m].hdr.SetControllen(unix.CmsgSpace(2))
}
