package hours

import (
	"cmp"
	"fmt"
	"time"
)

const (
	secondsPerDay = 24 * 60 * 60
	minutesPerDay = 24 * 60
	dateLayout    = "2006-01-02"
)

// Date is a natural day, in no zone of its own.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads a date such as "2024-12-12". Anything else, a day that does not
// exist included, is an error.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(dateLayout, s)
	if err != nil {
		return Date{}, fmt.Errorf("%q is not a date; write it like 2024-12-12", s)
	}
	return DateOf(t), nil
}

// DateOf returns the day that the calendar shows at t, in t's own location.
func DateOf(t time.Time) Date {
	year, month, day := t.Date()
	return Date{Year: year, Month: month, Day: day}
}

// String returns the date as "2024-12-12".
func (d Date) String() string { return d.midnight().Format(dateLayout) }

// AddDays returns the date n days later, or earlier if n is negative.
func (d Date) AddDays(n int) Date { return DateOf(d.midnight().AddDate(0, 0, n)) }

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return d.midnight().Weekday() }

// Compare returns -1 if d is before other, 0 if they are the same day, 1 if d is
// after other.
func (d Date) Compare(other Date) int {
	return cmp.Or(cmp.Compare(d.Year, other.Year), cmp.Compare(d.Month, other.Month), cmp.Compare(d.Day, other.Day))
}

func (d Date) midnight() time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)
}

// dayNumber counts days from 1 January 1970: arithmetic on it needs no calendar.
type dayNumber int64

func (d Date) number() dayNumber { return dayOf(d.midnight().Unix()) }

// dayOf returns the day of a wall clock that counts seconds from 1970.
func dayOf(wall int64) dayNumber {
	day := wall / secondsPerDay
	if wall%secondsPerDay < 0 {
		day--
	}
	return dayNumber(day)
}

func (n dayNumber) date() Date { return DateOf(time.Unix(n.wall(0), 0).UTC()) }

// weekday relies on 1 January 1970 having been a Thursday.
func (n dayNumber) weekday() time.Weekday {
	return time.Weekday(((int64(n)+int64(time.Thursday))%7 + 7) % 7)
}

// wall returns the reading of a wall clock on that day, in seconds from 1970.
func (n dayNumber) wall(minute int) int64 { return int64(n)*secondsPerDay + int64(minute)*60 }

// clock reads "15:04" as minutes after midnight, "24:00" included. time.Parse
// would take "9:00" and refuse "24:00".
func clock(s string) (minute int, ok bool) {
	if len(s) != len("15:04") || s[2] != ':' {
		return 0, false
	}
	for _, i := range []int{0, 1, 3, 4} {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	hour, minute := int(s[0]-'0')*10+int(s[1]-'0'), int(s[3]-'0')*10+int(s[4]-'0')
	if minute > 59 || hour*60+minute > minutesPerDay {
		return 0, false
	}
	return hour*60 + minute, true
}

func clockString(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }
