package hours

import (
	"iter"
	"math"
)

// span is [start, end) in seconds from 1970.
type span struct {
	start, end int64
}

// part is a stretch of time in which the wall clock runs evenly and the date does
// not change. Most days are one part; a day with a change of the clocks is two or
// more, and they need not follow one another: where the clock goes back at 00:01,
// a minute of the new day lies between two parts of the old one.
type part struct {
	span

	day    dayNumber
	offset int64 // wall clock minus UTC
}

// cut returns when the wall clock shows a time of the window, within the part.
func (p part) cut(w window) (span, bool) {
	sp := span{
		start: max(p.start, p.day.wall(w.start)-p.offset),
		end:   min(p.end, p.day.wall(w.end)-p.offset),
	}
	return sp, sp.start < sp.end
}

// parts walks through [from, to) without gap or overlap.
func (s *Schedule) parts(from, to int64) iter.Seq[part] {
	return func(yield func(part) bool) {
		offset, steady := s.offset(from)
		for at := from; at < to; {
			if at == steady {
				offset, steady = s.offset(at)
			}
			day := dayOf(at + offset)
			end := min(to, steady, (day+1).wall(0)-offset)
			if !yield(part{span: span{at, end}, day: day, offset: offset}) {
				return
			}
			at = end
		}
	}
}

// offset returns the offset of the zone and until when it certainly stays.
func (s *Schedule) offset(at int64) (offset, steady int64) {
	t := s.at(at)
	_, seconds := t.Zone()
	_, end := t.ZoneBounds()
	switch {
	case end.IsZero():
		steady = math.MaxInt64
	case end.Unix() > at:
		steady = end.Unix()
	default:
		// Beyond the last change that the database lists, the time package gives 365
		// days to every year: on 31 December of a leap year the end has passed
		// already. The offset stays at least until the year is over in UTC.
		steady = (dayOf(at) + 1).wall(0)
	}
	return int64(seconds), steady
}

// spans yields, in order, when service is open within [from, to). What touches is
// one span.
func (s *Schedule) spans(from, to int64) iter.Seq[span] {
	return func(yield func(span) bool) {
		var open span
		for p := range s.parts(from, to) {
			windows, _ := s.day(p.day)
			for _, w := range windows {
				sp, ok := p.cut(w)
				switch {
				case !ok:
				case open == span{}:
					open = sp
				case sp.start == open.end:
					open.end = sp.end
				default:
					if !yield(open) {
						return
					}
					open = sp
				}
			}
		}
		if (open != span{}) {
			yield(open)
		}
	}
}
