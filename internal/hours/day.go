package hours

import (
	"cmp"
	"slices"
	"time"
)

type monthDay struct {
	month time.Month
	day   int
}

// weekdays is a set, one bit per day.
type weekdays uint8

func (w weekdays) has(day time.Weekday) bool { return w&(1<<day) != 0 }

// period is a [Period] that was found valid.
type period struct {
	days       weekdays  // weekly if there are any
	date       dayNumber // else on this day
	start, end int       // minutes after midnight; end < start: on the following day
}

func (p period) startsOn(n dayNumber) bool {
	if p.days != 0 {
		return p.days.has(n.weekday())
	}
	return p.date == n
}

func (p period) overnight() bool { return p.end < p.start }

// window is [start, end) in minutes after midnight.
type window struct {
	start, end int
}

// day returns the windows of one natural day, in order and merged. The reason is
// ReasonOutsidePeriods whenever periods decide, for only the time of day tells
// whether one of the windows is meant.
func (s *Schedule) day(n dayNumber) ([]window, Why) {
	if note, closed := s.closed(n); closed {
		return nil, Why{Reason: ReasonClosedDate, Note: note}
	}
	if len(s.periods) == 0 {
		return []window{{0, minutesPerDay}}, Why{Reason: ReasonNoPeriods}
	}
	_, yesterdayClosed := s.closed(n - 1)
	var windows []window
	for _, p := range s.periods {
		if p.startsOn(n) {
			end := p.end
			if p.overnight() {
				end = minutesPerDay
			}
			windows = append(windows, window{p.start, end})
		}
		// A period that ends at 00:00 leaves nothing for the next day.
		if p.overnight() && p.end > 0 && !yesterdayClosed && p.startsOn(n-1) {
			windows = append(windows, window{0, p.end})
		}
	}
	return merge(windows), Why{Reason: ReasonOutsidePeriods}
}

// merge joins windows that overlap and leaves those that touch.
func merge(windows []window) []window {
	slices.SortFunc(windows, func(a, b window) int { return cmp.Compare(a.start, b.start) })
	merged := windows[:0]
	for _, w := range windows {
		if last := len(merged) - 1; last >= 0 && w.start < merged[last].end {
			merged[last].end = max(merged[last].end, w.end)
		} else {
			merged = append(merged, w)
		}
	}
	return merged
}

// closed prefers the note of the very date to that of every year.
func (s *Schedule) closed(n dayNumber) (note string, closed bool) {
	note, dated := s.dated[n]
	if len(s.yearly) == 0 {
		return note, dated
	}
	date := n.date()
	other, yearly := s.yearly[monthDay{date.Month, date.Day}]
	return cmp.Or(note, other), dated || yearly
}
