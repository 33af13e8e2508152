package ical

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/hours"
)

// rule is a yearly recurrence rule.
type rule struct {
	interval  int
	count     int         // 0: no limit
	until     *hours.Date // the last day on which an occurrence may start
	months    []int
	monthDays []int // negative: from the end of the month
	weekdays  []nthWeekday
}

// nthWeekday is each such weekday if n is 0, else the nth of the month or, if the
// rule names no month, of the year; negative: from the end.
type nthWeekday struct {
	n   int
	day time.Weekday
}

const (
	maxRule = 512 // bytes
	maxList = 62  // numbers in one part of it
)

func parseRule(s string) (*rule, error) {
	if len(s) > maxRule {
		return nil, fmt.Errorf("it has more than %d bytes", maxRule)
	}
	r := &rule{interval: 1}
	parts := make(map[string]string)
	for part := range strings.SplitSeq(strings.ToUpper(s), ";") {
		name, value, ok := strings.Cut(part, "=")
		if _, twice := parts[name]; !ok || twice {
			return nil, fmt.Errorf("%q is not a recurrence rule", s)
		}
		parts[name] = value
		if err := r.set(name, value); err != nil {
			return nil, err
		}
	}
	if parts["FREQ"] == "" {
		return nil, errors.New("it has no FREQ")
	}
	return r, nil
}

func (r *rule) set(name, value string) (err error) {
	switch name {
	case "FREQ":
		if value != "YEARLY" {
			return fmt.Errorf("it repeats %s, but only yearly holidays are understood; use service periods for what comes back more often", value)
		}
	case "INTERVAL":
		r.interval, err = number(value, 1, 1000)
	case "COUNT":
		r.count, err = number(value, 1, 10000)
	case "UNTIL":
		var d hours.Date
		d, _, err = date(value)
		r.until = &d
	case "BYMONTH":
		r.months, err = numbers(value, 12, false)
	case "BYMONTHDAY":
		r.monthDays, err = numbers(value, 31, true)
	case "BYDAY":
		r.weekdays, err = nthWeekdays(value)
	case "WKST": // matters to weeks only
	default:
		return fmt.Errorf("%s is not understood; replace the rule by single dates", name)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func number(s string, least, most int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%q is not a number from %d to %d", s, least, most)
	}
	return n, nil
}

func numbers(s string, most int, negative bool) ([]int, error) {
	least := 1
	if negative {
		least = -most
	}
	var out []int
	for part := range strings.SplitSeq(s, ",") {
		if len(out) == maxList {
			return nil, fmt.Errorf("it lists more than %d numbers", maxList)
		}
		n, err := number(part, least, most)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("%q is not a number up to %d", part, most)
		}
		out = append(out, n)
	}
	return out, nil
}

func nthWeekdays(s string) ([]nthWeekday, error) {
	var out []nthWeekday
	for part := range strings.SplitSeq(s, ",") {
		if len(out) == maxList {
			return nil, fmt.Errorf("it lists more than %d days", maxList)
		}
		if len(part) < 2 {
			return nil, fmt.Errorf("%q is not a day of the week", part)
		}
		nth, name := part[:len(part)-2], part[len(part)-2:]
		day := slices.Index([]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}, name)
		if day < 0 {
			return nil, fmt.Errorf("%q is not a day of the week", part)
		}
		n := 0
		if nth != "" {
			var err error
			if n, err = number(nth, -53, 53); err != nil || n == 0 {
				return nil, fmt.Errorf("%q does not count days of the week", part)
			}
		}
		out = append(out, nthWeekday{n: n, day: time.Weekday(day)})
	}
	return out, nil
}

// endless reports whether the rule is met on the month and day of start in every
// year, and on no other day.
func (r *rule) endless(start hours.Date) bool {
	return r.interval == 1 && r.count == 0 && r.until == nil && len(r.weekdays) == 0 &&
		(len(r.months) == 0 && len(r.monthDays) == 0 || slices.Equal(r.months, []int{int(start.Month)})) &&
		(len(r.monthDays) == 0 || slices.Equal(r.monthDays, []int{start.Day}))
}

// dates returns the days from the first to the last on which an occurrence starts,
// and adds to years how many years it had to go through. A rule that counts has to
// be followed from its own start.
func (r *rule) dates(start, first, last hours.Date, years *int) ([]hours.Date, error) {
	if r.until != nil && r.until.Compare(last) < 0 {
		last = *r.until
	}
	year := start.Year
	if skip := first.Year - year; skip > 0 && r.count == 0 {
		year += (skip + r.interval - 1) / r.interval * r.interval
	}
	var out []hours.Date
	seen := 0
	for ; year <= last.Year; year += r.interval {
		if *years++; *years > maxYears {
			return nil, errors.New("its years, and those of the events before it, are too many; choose a shorter range or replace rules by single dates")
		}
		for _, d := range r.year(year, start) {
			switch {
			case d.Compare(start) < 0:
				continue
			case d.Compare(last) > 0:
				return out, nil
			case d.Compare(first) >= 0:
				out = append(out, d)
			}
			if seen++; seen == r.count {
				return out, nil
			}
		}
	}
	return out, nil
}

// year returns the days of one year that the rule is met on, in order.
func (r *rule) year(year int, start hours.Date) []hours.Date {
	months, monthDays := r.months, r.monthDays
	if len(monthDays) == 0 && len(r.weekdays) == 0 {
		monthDays = []int{start.Day}
		if len(months) == 0 {
			months = []int{int(start.Month)}
		}
	}
	var out []hours.Date
	newYear := hours.Date{Year: year, Month: time.January, Day: 1}.Weekday()
	yearDay, yearLength := 0, 337+daysIn(year, time.February)
	for month := time.January; month <= time.December; month++ {
		length := daysIn(year, month)
		for day := 1; day <= length; day++ {
			yearDay++
			weekday := (newYear + time.Weekday(yearDay-1)) % 7
			position, of := yearDay, yearLength
			if len(months) > 0 {
				position, of = day, length
			}
			if in(months, int(month)) && in(monthDays, day, day-length-1) && r.weekdayMatches(weekday, position, of) {
				out = append(out, hours.Date{Year: year, Month: month, Day: day})
			}
		}
	}
	return out
}

// in reports whether the list holds one of the numbers, or none at all.
func in(list []int, numbers ...int) bool {
	return len(list) == 0 || slices.ContainsFunc(numbers, func(n int) bool { return slices.Contains(list, n) })
}

// weekdayMatches is told where the day stands in its month or year, and how long
// that is.
func (r *rule) weekdayMatches(day time.Weekday, position, of int) bool {
	return len(r.weekdays) == 0 || slices.ContainsFunc(r.weekdays, func(w nthWeekday) bool {
		return w.day == day && (w.n == 0 || w.n == (position-1)/7+1 || w.n == -((of-position)/7+1))
	})
}

func daysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
