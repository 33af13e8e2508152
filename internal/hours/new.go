package hours

import (
	"fmt"
	"strings"
	"time"
)

// The limits of a schedule.
const (
	MaxPeriods     = 10
	MaxClosedDates = 1000
)

// Period is a stretch of service: weekly if Days is set, else on one Date.
type Period struct {
	Days  []time.Weekday `json:"days,omitempty"` // the days on which it starts, none twice
	Date  string         `json:"date,omitempty"` // "2024-12-12", the day on which it starts
	Start string         `json:"start"`          // "15:04"
	End   string         `json:"end"`            // "15:04", up to "24:00"; before Start: on the following day
}

// ClosedDate is a day without service.
type ClosedDate struct {
	Date string `json:"date"`           // "2024-12-25", or "12-25" for every year; "02-29" closes leap years only
	Note string `json:"note,omitempty"` // what the day is, for people
}

// Fault is one thing that is wrong with what [New] was given.
type Fault struct {
	Field   string // as settings name it, for instance "service_periods[1].weekly.end"
	Problem string // what is wrong and what to write instead
}

// InvalidError is the error of [New].
type InvalidError struct {
	Faults []Fault // at least one, at most 10
}

// Error names each element and what is wrong with it.
func (e *InvalidError) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = f.Field + ": " + f.Problem
	}
	return strings.Join(lines, "; ")
}

// New makes a schedule. The zone is an IANA name such as "Europe/Berlin"; periods
// are at most [MaxPeriods], none meaning always; closed dates are at most
// [MaxClosedDates], and of several for one day the first that has a note lends it.
//
// Any error is an [*InvalidError].
func New(zone string, periods []Period, closed []ClosedDate) (*Schedule, error) {
	v := &validator{}
	s := &Schedule{
		zone:   v.zone(zone),
		dated:  make(map[dayNumber]string),
		yearly: make(map[monthDay]string),
	}
	if len(periods) > MaxPeriods {
		v.faultf("service_periods", "there are %d, but at most %d are allowed; merge or remove some", len(periods), MaxPeriods)
	} else {
		for i, p := range periods {
			s.periods = append(s.periods, v.period(i, p))
		}
	}
	if len(closed) > MaxClosedDates {
		v.faultf("closed_dates", "there are %d, but at most %d are allowed; remove those that are over", len(closed), MaxClosedDates)
	} else {
		for i, c := range closed {
			v.closedDate(s, i, c)
		}
	}
	if len(v.faults) > 0 {
		return nil, &InvalidError{Faults: v.faults}
	}
	return s, nil
}

// validator collects what is wrong, so that one look is enough to repair it.
type validator struct {
	faults []Fault
}

func (v *validator) faultf(field, format string, args ...any) {
	if len(v.faults) < 10 {
		v.faults = append(v.faults, Fault{Field: field, Problem: fmt.Sprintf(format, args...)})
	}
}

func (v *validator) zone(name string) *time.Location {
	const field = "time_zone"
	switch {
	case name == "":
		v.faultf(field, `it is empty; give an IANA name such as "Europe/Berlin" or "UTC"`)
		return nil
	case name == "Local", strings.EqualFold(name, "localtime"), strings.EqualFold(name, "posixrules"),
		strings.HasPrefix(name, "posix/"), strings.HasPrefix(name, "right/"):
		// Readable on some machines, but what they mean depends on the machine, or
		// they count leap seconds.
		v.faultf(field, `%q is not a zone of the IANA database; give a name such as "Europe/Berlin" or "UTC"`, name)
		return nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		v.faultf(field, `%q is unknown; give an IANA name such as "Europe/Berlin" or "UTC"`, name)
		return nil
	}
	return loc
}

func (v *validator) period(i int, p Period) period {
	field := fmt.Sprintf("service_periods[%d]", i)
	var out period
	switch {
	case len(p.Days) > 0 && p.Date != "":
		v.faultf(field, "it has both days and a date; make two periods of it")
		return out
	case len(p.Days) > 0:
		field += ".weekly"
		out.days = v.days(field+".days", p.Days)
	case p.Date != "":
		field += ".custom"
		date, err := ParseDate(p.Date)
		if err != nil {
			v.faultf(field+".date", "%v", err)
		}
		out.date = date.number()
	default:
		v.faultf(field, "it has neither days nor a date; give one of them")
		return out
	}
	out.start, out.end = v.times(field, p.Start, p.End)
	return out
}

func (v *validator) times(field, start, end string) (first, last int) {
	first, startOK := clock(start)
	if !startOK || first == minutesPerDay {
		v.faultf(field+".start", "%q is not a time from 00:00 to 23:59; write it as HH:MM", start)
	}
	last, endOK := clock(end)
	if !endOK {
		v.faultf(field+".end", "%q is not a time from 00:00 to 24:00; write it as HH:MM", end)
	}
	if startOK && endOK && first == last && first < minutesPerDay {
		v.faultf(field+".end", "it equals the start %q; they must differ, a whole day is 00:00 to 24:00", start)
	}
	return first, last
}

func (v *validator) days(field string, days []time.Weekday) weekdays {
	var set weekdays
	for i, day := range days {
		switch {
		case day < time.Sunday || day > time.Saturday:
			v.faultf(fmt.Sprintf("%s[%d]", field, i), "%d is not a day of the week", int(day))
		case set.has(day):
			v.faultf(fmt.Sprintf("%s[%d]", field, i), "%s is there twice; remove one", day)
		default:
			set |= 1 << day
		}
	}
	return set
}

func (v *validator) closedDate(s *Schedule, i int, c ClosedDate) {
	if date, err := ParseDate(c.Date); err == nil {
		addNote(s.dated, date.number(), c.Note)
		return
	}
	// 2000 was a leap year: 29 February passes.
	date, err := ParseDate("2000-" + c.Date)
	if err != nil {
		v.faultf(fmt.Sprintf("closed_dates[%d].date", i), "%q is not a date; write it like 2024-12-25, or like 12-25 for every year", c.Date)
		return
	}
	addNote(s.yearly, monthDay{date.Month, date.Day}, c.Note)
}

func addNote[K comparable](notes map[K]string, key K, note string) {
	if notes[key] == "" {
		notes[key] = note
	}
}
