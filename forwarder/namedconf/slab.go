package namedconf

// slab holds many short slices in few large pieces: a file of 100,000 zones has
// half a million of them.
type slab[T any] struct{ piece []T }

const pieceSize = 256

// keep returns a copy of list, to which nobody else can append; nil of nothing.
func (s *slab[T]) keep(list []T) []T {
	if len(list) == 0 {
		return nil
	}
	if cap(s.piece)-len(s.piece) < len(list) {
		s.piece = make([]T, 0, max(pieceSize, len(list)))
	}
	from := len(s.piece)
	s.piece = append(s.piece, list...)
	return s.piece[from:len(s.piece):len(s.piece)]
}
