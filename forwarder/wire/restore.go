package wire

// AppendMessage appends the response that a is of, question being its own, as it
// is sent: it tells the answer to a program that keeps answers in another way. What
// it does not tell is whether the answer is Open.
func (a Answer) AppendMessage(dst, question []byte) []byte {
	dst = AppendHeader(dst, 0, QR|uint16(a.Rcode()), 1, uint16(a.Count(0)), uint16(a.Count(1)), uint16(a.Count(2)))
	return append(append(dst, question...), a.body()...)
}
