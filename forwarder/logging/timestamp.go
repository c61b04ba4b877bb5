package logging

import "time"

// layouts are those of the formats, down to the second.
var layouts = [...]string{
	Local:      "02-Jan-2006 15:04:05",
	ISO8601:    "2006-01-02T15:04:05",
	ISO8601UTC: "2006-01-02T15:04:05",
}

// timestamp writes times in one format. It keeps the text of the second that it wrote
// last: lines come in runs, and making it costs more than all the rest of a line.
type timestamp struct {
	second int64
	zone   *time.Location // nil: nothing was written
	text   []byte
}

func (s *timestamp) append(dst []byte, f TimeFormat, t time.Time) []byte {
	if f == NoTime || t.IsZero() { // slog's rule: no time known, none printed
		return dst
	}
	if f == ISO8601UTC {
		t = t.UTC()
	}
	if sec := t.Unix(); sec != s.second || t.Location() != s.zone {
		s.second, s.zone, s.text = sec, t.Location(), t.AppendFormat(s.text[:0], layouts[f])
	}
	dst = append(dst, s.text...)
	ms := t.Nanosecond() / int(time.Millisecond)
	dst = append(dst, '.', '0'+byte(ms/100), '0'+byte(ms/10%10), '0'+byte(ms%10))
	if f == ISO8601UTC {
		dst = append(dst, 'Z')
	}
	return append(dst, ' ')
}
