package hours

import (
	"cmp"
	"slices"
	"time"
)

// lookAhead is how far NextOpen and NextClose look ahead: a little over eight
// years, the longest time from one 29 February to the next (1896 to 1904, 2096 to
// 2104).
const lookAhead = 3000 * secondsPerDay

// Schedule knows when service is open. [New] makes one.
type Schedule struct {
	zone    *time.Location
	periods []period
	dated   map[dayNumber]string // notes of closed dates
	yearly  map[monthDay]string
}

// Reason says why an instant is open or closed.
type Reason string

// The reasons.
const (
	ReasonNoPeriods      Reason = "no_periods"      // open: there are no periods, so always
	ReasonInPeriod       Reason = "in_period"       // open: a window holds the instant
	ReasonOutsidePeriods Reason = "outside_periods" // closed: no window holds it
	ReasonClosedDate     Reason = "closed_date"     // closed: the day is a closed date
)

// Why explains what [Schedule.Open] says.
type Why struct {
	Reason Reason
	Note   string // of the closed date, if that is the reason and it has one
}

// Window is a stretch of service within one natural day, [Start, End).
type Window struct {
	Start string // "09:00"
	End   string // "12:00", up to "24:00"
	// The instants at which the wall clock shows a time of the window, in order.
	// One span on most days; when the clocks change it can be two, or none.
	Spans []Span
}

// Span is a stretch of time, [Start, End), given in the zone of the schedule.
type Span struct {
	Start time.Time
	End   time.Time
}

// Zone returns the zone in which the schedule is meant.
func (s *Schedule) Zone() *time.Location { return s.zone }

// Date returns the natural day of the schedule's zone to which t belongs.
func (s *Schedule) Date(t time.Time) Date { return DateOf(t.In(s.zone)) }

// Windows returns the windows of one natural day in order, none if it is closed.
// A date that does not exist is taken as [time.Date] takes it.
func (s *Schedule) Windows(day Date) []Window {
	n := day.number()
	windows, _ := s.day(n)
	out := make([]Window, len(windows))
	for i, w := range windows {
		out[i] = Window{Start: clockString(w.start), End: clockString(w.end)}
	}
	// No zone is a whole day away from UTC.
	for part := range s.parts((n - 1).wall(0), (n + 2).wall(0)) {
		if part.day != n {
			continue
		}
		for i, w := range windows {
			if sp, ok := part.cut(w); ok {
				out[i].add(s.at(sp.start), s.at(sp.end))
			}
		}
	}
	return out
}

func (w *Window) add(start, end time.Time) {
	if last := len(w.Spans) - 1; last >= 0 && w.Spans[last].End.Equal(start) {
		w.Spans[last].End = end
		return
	}
	w.Spans = append(w.Spans, Span{Start: start, End: end})
}

// Open reports whether service is open at t, and why.
func (s *Schedule) Open(t time.Time) (bool, Why) {
	local := t.In(s.zone)
	windows, why := s.day(DateOf(local).number())
	if why.Reason != ReasonOutsidePeriods {
		return why.Reason == ReasonNoPeriods, why
	}
	minute := local.Hour()*60 + local.Minute()
	if slices.ContainsFunc(windows, func(w window) bool { return w.start <= minute && minute < w.end }) {
		return true, Why{Reason: ReasonInPeriod}
	}
	return false, why
}

// NextOpen returns the first instant after t at which service opens, in the zone
// of the schedule. While it is open that is the opening after the present one has
// closed. It reports false if there is none within eight years.
func (s *Schedule) NextOpen(t time.Time) (time.Time, bool) {
	now := t.Unix()
	for sp := range s.spans(now, s.horizon(now)) {
		if sp.start > now { // else it is the present one
			return s.at(sp.start), true
		}
	}
	return time.Time{}, false
}

// NextClose returns the first instant after t at which service closes, in the
// zone of the schedule. While it is closed that is the end of the next opening.
// It reports false if there is none within eight years.
func (s *Schedule) NextClose(t time.Time) (time.Time, bool) {
	now := t.Unix()
	limit := s.horizon(now)
	for sp := range s.spans(now, limit) {
		if sp.end < limit { // else it was cut there, and its end is not known
			return s.at(sp.end), true
		}
	}
	return time.Time{}, false
}

// horizon returns how far to look ahead. Two schedules need no walk over eight
// years: the one that is always open, and one whose last custom date is over.
func (s *Schedule) horizon(now int64) int64 {
	if len(s.periods)+len(s.dated)+len(s.yearly) == 0 {
		return now
	}
	limit := now + lookAhead
	if len(s.periods) == 0 || slices.ContainsFunc(s.periods, func(p period) bool { return p.days != 0 }) {
		return limit
	}
	last := slices.MaxFunc(s.periods, func(a, b period) int { return cmp.Compare(a.date, b.date) }).date
	// It may run into the day after, and the zone may be up to a day behind UTC.
	return min(limit, (last + 3).wall(0))
}

func (s *Schedule) at(second int64) time.Time { return time.Unix(second, 0).In(s.zone) }
