package ical

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"github.com/human-handoff/handoff/internal/hours"
)

// event is an all-day event.
type event struct {
	name      string // quoted, for errors
	note      string
	uid       string
	cancelled bool
	start     hours.Date
	days      int         // that it lasts, at least 1
	rule      *rule       // nil: once
	replaces  *hours.Date // the occurrence of another event of this UID that it stands for
	extra     dateSet     // further days on which it starts
	except    dateSet     // days on which it does not
}

// everyYear reports whether yearly closed dates say the same as the event does
// from the given day on.
func (e *event) everyYear(from hours.Date) bool {
	if e.rule == nil || !e.rule.endless(e.start) {
		return false
	}
	// Days that run into or past a 29 February differ from year to year.
	if last := e.start.AddDays(e.days - 1); e.days > 1 && leapDayBetween(e.start, last) {
		return false
	}
	// One that starts later must not close the years before it. What began before
	// the range can reach into it.
	from = from.AddDays(1 - e.days)
	first := hours.Date{Year: from.Year, Month: e.start.Month, Day: e.start.Day}
	if first.Compare(from) < 0 {
		first.Year++
	}
	return e.start.Compare(first) <= 0
}

// leapDayBetween reports whether the days from first to last would hold a
// 29 February, or would end beside one, in a leap year.
func leapDayBetween(first, last hours.Date) bool {
	for d := first; d.Compare(last) < 0; d = d.AddDays(1) {
		if d.Month == 2 && d.Day >= 28 {
			return true
		}
	}
	return false
}

// readEvent reports false for an event that is not all-day.
func readEvent(v *ics.VEvent) (e event, allDay bool, err error) {
	e.note = shorten(oneLine(text(v, ics.ComponentPropertySummary)), maxNote)
	e.name = strconv.Quote(shorten(e.note, maxName))
	e.uid = text(v, ics.ComponentPropertyUniqueId)
	e.cancelled = strings.EqualFold(text(v, ics.ComponentPropertyStatus), "CANCELLED")
	start := v.GetProperty(ics.ComponentPropertyDtStart)
	if start == nil {
		return e, false, errors.New("it has no DTSTART")
	}
	var timed bool
	if e.start, timed, err = date(start.Value); err != nil {
		return e, false, fmt.Errorf("DTSTART: %w", err)
	}
	if e.days, err = length(v, e.start, timed); err != nil || e.days == 0 {
		return e, false, err
	}
	if p := v.GetProperty(ics.ComponentPropertyRrule); p != nil {
		if e.rule, err = parseRule(p.Value); err != nil {
			return e, false, fmt.Errorf("RRULE: %w", err)
		}
	}
	return e, true, e.readDates(v)
}

func (e *event) readDates(v *ics.VEvent) (err error) {
	if e.extra, err = dates(v.GetProperties(ics.ComponentPropertyRdate)); err != nil {
		return fmt.Errorf("RDATE: %w", err)
	}
	if e.except, err = dates(v.GetProperties(ics.ComponentPropertyExdate)); err != nil {
		return fmt.Errorf("EXDATE: %w", err)
	}
	if p := v.GetProperty(ics.ComponentPropertyRecurrenceId); p != nil {
		d, _, err := date(p.Value)
		if err != nil {
			return fmt.Errorf("RECURRENCE-ID: %w", err)
		}
		e.replaces = &d
	}
	return nil
}

func text(v *ics.VEvent, name ics.ComponentProperty) string {
	if p := v.GetProperty(name); p != nil {
		return p.Value
	}
	return ""
}

// length returns how many days the event lasts, 0 if it is not all-day.
func length(v *ics.VEvent, start hours.Date, timed bool) (days int, err error) {
	if timed && !midnight(text(v, ics.ComponentPropertyDtStart)) {
		return 0, nil
	}
	end, lasts := v.GetProperty(ics.ComponentPropertyDtEnd), v.GetProperty(ics.ComponentPropertyDuration)
	switch {
	case end != nil:
		if days, err = until(end.Value, start, timed); err != nil {
			return 0, fmt.Errorf("DTEND: %w", err)
		}
	case lasts != nil:
		if days, err = duration(lasts.Value); err != nil {
			return 0, fmt.Errorf("DURATION: %w", err)
		}
	case !timed:
		days = 1
	}
	if days < 0 || days > maxDays {
		return 0, fmt.Errorf("it must end after it starts, and within %d days", maxDays)
	}
	return days, nil
}

// until returns how many days lie before an end, 0 if the event is not all-day.
func until(value string, start hours.Date, timed bool) (int, error) {
	end, endTimed, err := date(value)
	switch {
	case err != nil:
		return 0, err
	case timed != endTimed, timed && !midnight(value):
		return 0, nil
	case end == start && !timed: // as some programs write one day
		return 1, nil
	}
	return daysBetween(start, end), nil
}

// daysBetween is exact up to what an event may last, and beyond that far away.
func daysBetween(start, end hours.Date) int {
	if end.Compare(start) < 0 {
		return -1
	}
	days := 0
	for ; start != end && days <= maxDays; days++ {
		start = start.AddDays(1)
	}
	return days
}

// duration reads whole days and weeks, "P1D" or "P2W"; 0 stands for others.
func duration(s string) (int, error) {
	s = strings.TrimPrefix(strings.ToUpper(s), "+")
	rest, ok := strings.CutPrefix(s, "P")
	if !ok || rest == "" {
		return 0, fmt.Errorf("%q is not a duration", s)
	}
	unit := 1
	switch rest[len(rest)-1] {
	case 'W':
		unit = 7
	case 'D':
	default:
		return 0, nil // hours or less
	}
	n, err := strconv.ParseUint(rest[:len(rest)-1], 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is not a duration", s)
	}
	return int(n) * unit, nil
}

// dates reads the values of properties that hold lists of dates.
func dates(props []*ics.IANAProperty) (dateSet, error) {
	out := make(dateSet)
	for _, p := range props {
		for value := range strings.SplitSeq(p.Value, ",") {
			d, _, err := date(value)
			if err != nil {
				return nil, err
			}
			out[d] = true
		}
	}
	return out, nil
}

// date reads "20241225", and "20241225T000000" as the day that it shows in its own
// zone.
func date(s string) (d hours.Date, timed bool, err error) {
	day, clock, timed := strings.Cut(s, "T")
	if timed {
		_, err = time.Parse("150405", strings.TrimSuffix(clock, "Z"))
	}
	if len(day) != 8 || err != nil {
		return d, false, fmt.Errorf("%q is not a date", s)
	}
	d, err = hours.ParseDate(day[:4] + "-" + day[4:6] + "-" + day[6:])
	if err != nil {
		return d, false, fmt.Errorf("%q is not a date", s)
	}
	return d, timed, nil
}

// midnight reports whether a date with a time is the start of a day where it is
// meant. In UTC it is so for hardly anybody.
func midnight(s string) bool { return strings.HasSuffix(s, "T000000") }
