package wire

import "math/bits"

// OrderMode is how the records of a set follow each other in replies (BIND's
// rrset-order).
type OrderMode uint8

// The modes of rrset-order.
const (
	OrderNone OrderMode = iota // as upstream sent them
	OrderRandom
	OrderCyclic
)

// Order arranges sets. It belongs to one goroutine. Its numbers need to be
// well spread, not secret.
type Order struct {
	Mode  OrderMode
	State uint64 // seed; any value
	moved []uint16
}

// below returns a number in [0, n): a splitmix64 step, or a count.
func (o *Order) below(n int) int {
	if o.Mode == OrderCyclic {
		o.State++
		return int(o.State % uint64(n))
	}
	o.State += 0x9e3779b97f4a7c15
	z := o.State
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	hi, _ := bits.Mul64(z^z>>31, uint64(n))
	return int(hi)
}

// maxShuffle is how many records are shuffled; a larger set is rotated.
const maxShuffle = 64

// permute fills p with its indices, shuffled (Fisher and Yates).
func (o *Order) permute(p []uint8) {
	for i := range p {
		p[i] = uint8(i)
	}
	for i := len(p) - 1; i > 0; i-- {
		j := o.below(i + 1)
		p[i], p[j] = p[j], p[i]
	}
}

// arrangement appends the records of an answer in an order of its own.
type arrangement struct {
	Answer
	Aging
	body      string
	order     *Order
	relinking // of a linked answer
}

// append appends the first end records with each group of them arranged anew.
func (a *arrangement) append(dst []byte, end int) []byte {
	next := 0
	for k := range a.groups() {
		first, n := a.group(k)
		if first >= end {
			break
		}
		dst = a.appendRun(dst, next, first)
		dst = a.appendGroup(dst, first, n)
		next = first + n
	}
	return a.appendRun(dst, next, end)
}

func (a *arrangement) appendGroup(dst []byte, first, n int) []byte {
	if n > maxShuffle || a.order.Mode == OrderCyclic {
		turn := first + a.order.below(n)
		dst = a.appendRun(dst, turn, first+n)
		return a.appendRun(dst, first, turn)
	}
	var p [maxShuffle]uint8
	a.order.permute(p[:n])
	for _, i := range p[:n] {
		dst = a.appendRun(dst, first+int(i), first+int(i)+1)
	}
	return dst
}

// appendRun appends the records [from, to) and ages them.
func (a *arrangement) appendRun(dst []byte, from, to int) []byte {
	if from == to {
		return dst
	}
	if a.moved != nil {
		for i := from; i < to; i++ {
			dst = a.appendRelinked(dst, i)
		}
		return dst
	}
	start, end := a.start(from), len(a.body)
	if to < a.records() {
		end = a.start(to)
	}
	shift := len(dst) - start
	dst = append(dst, a.body[start:end]...)
	for i := from; i < to; i++ {
		a.age(dst[shift+a.ttl(i):], a.body[a.ttl(i):])
	}
	return dst
}
