package hours_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/hours"
)

var (
	everyDay = []time.Weekday{time.Sunday, time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday}
	fridays  = []time.Weekday{time.Friday}
)

func weekly(days []time.Weekday, start, end string) hours.Period {
	return hours.Period{Days: days, Start: start, End: end}
}

func custom(date, start, end string) hours.Period {
	return hours.Period{Date: date, Start: start, End: end}
}

func schedule(t *testing.T, zone string, periods []hours.Period, closed ...hours.ClosedDate) *hours.Schedule {
	t.Helper()
	s, err := hours.New(zone, periods, closed)
	require.NoError(t, err)
	return s
}

func day(t *testing.T, s string) hours.Date {
	t.Helper()
	d, err := hours.ParseDate(s)
	require.NoError(t, err)
	return d
}

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	require.NoError(t, err)
	return v
}

func list(s *hours.Schedule, d hours.Date) []string {
	out := []string{}
	for _, w := range s.Windows(d) {
		out = append(out, w.Start+"-"+w.End)
	}
	return out
}

func TestWindowsOfADay(t *testing.T) {
	tests := map[string]struct {
		periods []hours.Period
		closed  []hours.ClosedDate
		date    string
		want    []string
	}{
		"the overlapping ones of 12 December 2024 act as one": {
			periods: []hours.Period{
				custom("2024-12-12", "09:00", "12:00"), custom("2024-12-12", "10:00", "12:00"),
				custom("2024-12-12", "13:00", "18:00"), custom("2024-12-12", "15:00", "17:00"),
			},
			date: "2024-12-12", want: []string{"09:00-12:00", "13:00-18:00"},
		},
		"none at all: the whole day": {date: "2024-12-12", want: []string{"00:00-24:00"}},
		"touching ones stay apart": {
			periods: []hours.Period{weekly(everyDay, "09:00", "12:00"), weekly(everyDay, "12:00", "13:00")},
			date:    "2024-12-12", want: []string{"09:00-12:00", "12:00-13:00"},
		},
		"a third one bridges touching ones": {
			periods: []hours.Period{
				weekly(everyDay, "09:00", "12:00"), weekly(everyDay, "12:00", "13:00"), weekly(everyDay, "11:59", "12:01"),
			},
			date: "2024-12-12", want: []string{"09:00-13:00"},
		},
		"equal ones are one": {
			periods: []hours.Period{weekly(everyDay, "09:00", "12:00"), weekly(everyDay, "09:00", "12:00")},
			date:    "2024-12-12", want: []string{"09:00-12:00"},
		},
		"a custom date adds to the weekly ones": {
			periods: []hours.Period{weekly([]time.Weekday{time.Thursday}, "09:00", "12:00"), custom("2024-12-12", "20:00", "21:00")},
			date:    "2024-12-12", want: []string{"09:00-12:00", "20:00-21:00"},
		},
		"another day": {
			periods: []hours.Period{weekly([]time.Weekday{time.Thursday}, "09:00", "12:00"), custom("2024-12-12", "20:00", "21:00")},
			date:    "2024-12-13", want: []string{},
		},
		"past midnight: the day on which it starts": {
			periods: []hours.Period{weekly(fridays, "22:00", "02:00")},
			date:    "2024-12-13", want: []string{"22:00-24:00"},
		},
		"past midnight: the day after": {
			periods: []hours.Period{weekly(fridays, "22:00", "02:00")},
			date:    "2024-12-14", want: []string{"00:00-02:00"},
		},
		"past midnight: what ran over merges with the day's own": {
			periods: []hours.Period{weekly(fridays, "22:00", "02:00"), custom("2024-12-14", "01:00", "03:00")},
			date:    "2024-12-14", want: []string{"00:00-03:00"},
		},
		"an end of 00:00 leaves nothing for the next day": {
			periods: []hours.Period{weekly(fridays, "22:00", "00:00")},
			date:    "2024-12-14", want: []string{},
		},
		"a closed date empties the day and what ran over": {
			periods: []hours.Period{weekly(everyDay, "22:00", "02:00")},
			closed:  []hours.ClosedDate{{Date: "2024-12-13"}},
			date:    "2024-12-13", want: []string{},
		},
		"a closed day's periods do not run into the next day": {
			periods: []hours.Period{weekly(everyDay, "22:00", "02:00")},
			closed:  []hours.ClosedDate{{Date: "2024-12-13"}},
			date:    "2024-12-14", want: []string{"22:00-24:00"},
		},
		"a yearly closed date": {
			closed: []hours.ClosedDate{{Date: "12-25"}}, date: "2031-12-25", want: []string{},
		},
		"29 February in a leap year": {
			closed: []hours.ClosedDate{{Date: "02-29"}}, date: "2028-02-29", want: []string{},
		},
		"29 February does not close 1 March": {
			closed: []hours.ClosedDate{{Date: "02-29"}}, date: "2027-03-01", want: []string{"00:00-24:00"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := schedule(t, "Asia/Shanghai", tt.periods, tt.closed...)
			assert.Equal(t, tt.want, list(s, day(t, tt.date)))
		})
	}
}

func TestOpenSaysWhy(t *testing.T) {
	office := schedule(t, "Europe/Berlin", []hours.Period{weekly(everyDay, "09:00", "17:00")},
		hours.ClosedDate{Date: "12-25", Note: "Christmas"}, hours.ClosedDate{Date: "12-26"},
		hours.ClosedDate{Date: "2024-12-25", Note: "Move"}, hours.ClosedDate{Date: "2024-12-26"}, hours.ClosedDate{Date: "12-26", Note: "Boxing Day"}, hours.ClosedDate{Date: "12-26", Note: "Another"})
	tests := map[string]struct {
		s    *hours.Schedule
		at   string
		open bool
		why  hours.Why
	}{
		"the first second":      {office, "2024-12-12T09:00:00+01:00", true, hours.Why{Reason: hours.ReasonInPeriod}},
		"the second before":     {office, "2024-12-12T08:59:59+01:00", false, hours.Why{Reason: hours.ReasonOutsidePeriods}},
		"the last second":       {office, "2024-12-12T16:59:59+01:00", true, hours.Why{Reason: hours.ReasonInPeriod}},
		"the end":               {office, "2024-12-12T17:00:00+01:00", false, hours.Why{Reason: hours.ReasonOutsidePeriods}},
		"in another zone":       {office, "2024-12-12T03:00:00-05:00", true, hours.Why{Reason: hours.ReasonInPeriod}},
		"every Christmas":       {office, "2025-12-25T12:00:00+01:00", false, hours.Why{Reason: hours.ReasonClosedDate, Note: "Christmas"}},
		"the very date":         {office, "2024-12-25T12:00:00+01:00", false, hours.Why{Reason: hours.ReasonClosedDate, Note: "Move"}},
		"the only note":         {office, "2024-12-26T12:00:00+01:00", false, hours.Why{Reason: hours.ReasonClosedDate, Note: "Boxing Day"}},
		"no periods":            {schedule(t, "UTC", nil), "2024-12-12T03:00:00Z", true, hours.Why{Reason: hours.ReasonNoPeriods}},
		"no periods but closed": {schedule(t, "UTC", nil, hours.ClosedDate{Date: "12-12"}), "2024-12-12T03:00:00Z", false, hours.Why{Reason: hours.ReasonClosedDate}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			open, why := tt.s.Open(at(t, tt.at))
			assert.Equal(t, tt.open, open)
			assert.Equal(t, tt.why, why)
		})
	}
}

func TestNextOpenAndNextClose(t *testing.T) {
	workdays := []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	office := []hours.Period{weekly(workdays, "09:00", "12:00"), weekly(workdays, "12:00", "17:00")}
	nights := []hours.Period{weekly(everyDay, "18:00", "24:00"), weekly(everyDay, "00:00", "06:00")}
	tests := map[string]struct {
		s                      *hours.Schedule
		at, nextOpen, nextShut string // empty: none
	}{
		"before work": {schedule(t, "UTC", office), "2024-12-12T08:00:00Z", "2024-12-12T09:00:00Z", "2024-12-12T17:00:00Z"},
		"at work, touching windows leave no gap": {
			schedule(t, "UTC", office), "2024-12-12T09:00:00Z", "2024-12-13T09:00:00Z", "2024-12-12T17:00:00Z",
		},
		"half a second before the opening": {
			schedule(t, "UTC", office), "2024-12-12T08:59:59.5Z", "2024-12-12T09:00:00Z", "2024-12-12T17:00:00Z",
		},
		"half a second before the close": {
			schedule(t, "UTC", office), "2024-12-12T16:59:59.5Z", "2024-12-13T09:00:00Z", "2024-12-12T17:00:00Z",
		},
		"over the weekend": {schedule(t, "UTC", office), "2024-12-13T17:00:00Z", "2024-12-16T09:00:00Z", "2024-12-16T17:00:00Z"},
		"windows that meet at midnight leave no gap": {
			schedule(t, "UTC", nights), "2024-12-12T20:00:00Z", "2024-12-13T18:00:00Z", "2024-12-13T06:00:00Z",
		},
		"a closed date cuts at midnight": {
			schedule(t, "UTC", nights, hours.ClosedDate{Date: "12-13"}),
			"2024-12-12T20:00:00Z", "2024-12-14T00:00:00Z", "2024-12-13T00:00:00Z",
		},
		"always":            {schedule(t, "UTC", nil), "2024-12-12T08:00:00Z", "", ""},
		"the whole of days": {schedule(t, "UTC", []hours.Period{weekly(everyDay, "00:00", "24:00")}), "2024-12-12T08:00:00Z", "", ""},
		"always but on the next 29 February, eight years away": {
			schedule(t, "UTC", nil, hours.ClosedDate{Date: "02-29"}),
			"2096-02-29T23:59:59Z", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z",
		},
		"the last custom date is over": {
			schedule(t, "UTC", []hours.Period{custom("2024-12-12", "22:00", "02:00"), custom("2020-12-12", "22:00", "02:00")}),
			"2024-12-13T02:00:00Z", "", "",
		},
		"on the last custom date": {
			schedule(t, "UTC", []hours.Period{custom("2024-12-12", "22:00", "02:00")}),
			"2024-12-13T01:00:00Z", "", "2024-12-13T02:00:00Z",
		},
		"beyond the horizon": {
			schedule(t, "UTC", []hours.Period{custom("2044-12-12", "09:00", "12:00")}), "2024-12-13T02:00:00Z", "", "",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			opens, ok := tt.s.NextOpen(at(t, tt.at))
			requireAt(t, tt.nextOpen, opens, ok)
			closes, ok := tt.s.NextClose(at(t, tt.at))
			requireAt(t, tt.nextShut, closes, ok)
		})
	}
}

func requireAt(t *testing.T, want string, got time.Time, ok bool) {
	t.Helper()
	assert.Equal(t, want != "", ok)
	if want == "" {
		assert.Zero(t, got)
		return
	}
	assert.Equal(t, want, got.Format(time.RFC3339))
}

// A year of 365 days, as package time gives it to the last days that it works out
// itself, must not stop the walk on 31 December of a leap year.
func TestTheLastDayOfALeapYearBeyondTheDatabase(t *testing.T) {
	s := schedule(t, "Europe/Berlin", []hours.Period{weekly(everyDay, "09:00", "10:00")})
	opens, ok := s.NextOpen(at(t, "2048-12-31T12:00:00+01:00"))
	requireAt(t, "2049-01-01T09:00:00+01:00", opens, ok)
	s = schedule(t, "Europe/Berlin", []hours.Period{custom("2049-07-01", "09:00", "10:00")})
	opens, ok = s.NextOpen(at(t, "2048-12-31T12:00:00+01:00"))
	requireAt(t, "2049-07-01T09:00:00+02:00", opens, ok)
	s = schedule(t, "Europe/Berlin", []hours.Period{weekly(everyDay, "09:00", "10:00")})
	windows := s.Windows(day(t, "2048-12-31"))
	require.Len(t, windows, 1)
	require.Len(t, windows[0].Spans, 1)
	requireAt(t, "2048-12-31T10:00:00+01:00", windows[0].Spans[0].End, true)
}

func TestTimesAreGivenInTheZoneOfTheSchedule(t *testing.T) {
	s := schedule(t, "America/New_York", []hours.Period{weekly(everyDay, "09:00", "10:00")})
	opens, ok := s.NextOpen(at(t, "2024-12-12T08:00:00Z"))
	requireAt(t, "2024-12-12T09:00:00-05:00", opens, ok)
	assert.Equal(t, "America/New_York", s.Zone().String())
	assert.Equal(t, day(t, "2024-12-11"), s.Date(at(t, "2024-12-12T04:59:59Z")))
}

func BenchmarkNextOpen(b *testing.B) {
	for name, periods := range map[string][]hours.Period{
		"soon":  {weekly(fridays, "09:00", "10:00")},
		"never": {weekly(everyDay, "00:00", "24:00")},
	} {
		b.Run(name, func(b *testing.B) {
			s, err := hours.New("Europe/Berlin", periods, []hours.ClosedDate{{Date: "2020-01-01"}})
			require.NoError(b, err)
			now := time.Date(2024, 12, 12, 8, 0, 0, 0, time.UTC)
			b.ReportAllocs()
			for b.Loop() {
				s.NextOpen(now)
			}
		})
	}
}
