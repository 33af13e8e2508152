package hours_test

import (
	"errors"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/hours"
)

func TestNewNamesWhatIsWrong(t *testing.T) {
	good := weekly(fridays, "09:00", "12:00")
	tests := map[string]struct {
		zone    string
		periods []hours.Period
		closed  []hours.ClosedDate
		field   string
		problem string // a part of it
	}{
		"no zone":               {zone: "", field: "time_zone", problem: "IANA name"},
		"the machine's zone":    {zone: "Local", field: "time_zone", problem: `"Local" is not a zone`},
		"its other name":        {zone: "localtime", field: "time_zone", problem: "not a zone"},
		"leap seconds":          {zone: "right/Europe/Berlin", field: "time_zone", problem: "not a zone"},
		"unknown zone":          {zone: "Europe/Atlantis", field: "time_zone", problem: `"Europe/Atlantis" is unknown`},
		"a path":                {zone: "../../etc/passwd", field: "time_zone", problem: "unknown"},
		"too many periods":      {zone: "UTC", periods: slices.Repeat([]hours.Period{good}, 11), field: "service_periods", problem: "there are 11, but at most 10"},
		"neither days nor date": {zone: "UTC", periods: []hours.Period{good, {Start: "09:00", End: "10:00"}}, field: "service_periods[1]", problem: "neither"},
		"days and a date":       {zone: "UTC", periods: []hours.Period{{Days: fridays, Date: "2024-12-12", Start: "09:00", End: "10:00"}}, field: "service_periods[0]", problem: "both"},
		"a day twice":           {zone: "UTC", periods: []hours.Period{weekly([]time.Weekday{5, 1, 5}, "09:00", "10:00")}, field: "service_periods[0].weekly.days[2]", problem: "Friday is there twice"},
		"no day of the week":    {zone: "UTC", periods: []hours.Period{weekly([]time.Weekday{7}, "09:00", "10:00")}, field: "service_periods[0].weekly.days[0]", problem: "7 is not a day"},
		"a date in words":       {zone: "UTC", periods: []hours.Period{custom("tomorrow", "09:00", "10:00")}, field: "service_periods[0].custom.date", problem: "write it like"},
		"no such date":          {zone: "UTC", periods: []hours.Period{custom("2023-02-29", "09:00", "10:00")}, field: "service_periods[0].custom.date", problem: `"2023-02-29" is not a date`},
		"a short time":          {zone: "UTC", periods: []hours.Period{good, weekly(fridays, "9:00", "10:00")}, field: "service_periods[1].weekly.start", problem: "HH:MM"},
		"a start of 24:00":      {zone: "UTC", periods: []hours.Period{weekly(fridays, "24:00", "10:00")}, field: "service_periods[0].weekly.start", problem: "00:00 to 23:59"},
		"an end past 24:00":     {zone: "UTC", periods: []hours.Period{custom("2024-12-12", "09:00", "24:01")}, field: "service_periods[0].custom.end", problem: "00:00 to 24:00"},
		"sixty minutes":         {zone: "UTC", periods: []hours.Period{weekly(fridays, "09:60", "10:00")}, field: "service_periods[0].weekly.start", problem: `"09:60"`},
		"equal times":           {zone: "UTC", periods: []hours.Period{weekly(fridays, "09:00", "09:00")}, field: "service_periods[0].weekly.end", problem: "must differ"},
		"a closed date":         {zone: "UTC", closed: []hours.ClosedDate{{Date: "12-25"}, {Date: "25.12."}}, field: "closed_dates[1].date", problem: "12-25 for every year"},
		"no such closed date":   {zone: "UTC", closed: []hours.ClosedDate{{Date: "02-30"}}, field: "closed_dates[0].date", problem: "not a date"},
		"no such leap day":      {zone: "UTC", closed: []hours.ClosedDate{{Date: "2100-02-29"}}, field: "closed_dates[0].date", problem: "not a date"},
		"too many closed dates": {zone: "UTC", closed: slices.Repeat([]hours.ClosedDate{{Date: "12-25"}}, 1001), field: "closed_dates", problem: "at most 1000"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := hours.New(tt.zone, tt.periods, tt.closed)
			invalid, ok := errors.AsType[*hours.InvalidError](err)
			require.True(t, ok, "%v", err)
			require.Len(t, invalid.Faults, 1)
			assert.Equal(t, tt.field, invalid.Faults[0].Field)
			assert.Contains(t, invalid.Faults[0].Problem, tt.problem)
		})
	}
}

func TestNewNamesAllThatIsWrongUpToTen(t *testing.T) {
	_, err := hours.New("Local", []hours.Period{weekly(fridays, "x", "y")}, []hours.ClosedDate{{Date: "z"}})
	require.EqualError(t, err, `time_zone: "Local" is not a zone of the IANA database; give a name such as "Europe/Berlin" or "UTC"; `+
		`service_periods[0].weekly.start: "x" is not a time from 00:00 to 23:59; write it as HH:MM; `+
		`service_periods[0].weekly.end: "y" is not a time from 00:00 to 24:00; write it as HH:MM; `+
		`closed_dates[0].date: "z" is not a date; write it like 2024-12-25, or like 12-25 for every year`)

	_, err = hours.New("UTC", nil, slices.Repeat([]hours.ClosedDate{{Date: "z"}}, 100))
	invalid, ok := errors.AsType[*hours.InvalidError](err)
	require.True(t, ok)
	assert.Len(t, invalid.Faults, 10)
}

func TestEveryZoneIsAccepted(t *testing.T) {
	for _, name := range zones(t) {
		_, err := hours.New(name, nil, nil)
		assert.NoError(t, err)
	}
}

func TestDates(t *testing.T) {
	d := day(t, "2024-02-28")
	assert.Equal(t, "2024-02-29", d.AddDays(1).String())
	assert.Equal(t, "2023-12-31", d.AddDays(-59).String())
	assert.Equal(t, time.Wednesday, d.Weekday())
	assert.Equal(t, -1, d.Compare(d.AddDays(1)))
	assert.Equal(t, 1, d.Compare(d.AddDays(-28)))
	assert.Equal(t, 1, d.Compare(d.AddDays(-360)))
	assert.Zero(t, d.Compare(day(t, "2024-02-28")))
}

func FuzzParseDate(f *testing.F) {
	for _, s := range []string{"2024-12-12", "2024-02-30", "0000-01-01", "2024-1-2", "+024-01-01", "2024-12-12 ", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := hours.ParseDate(s)
		if err == nil {
			require.Equal(t, s, d.String())
		}
	})
}

var (
	startPattern = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)
	endPattern   = regexp.MustCompile(`^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`)
)

// FuzzNew holds the parser of times to patterns that were written down apart from
// it, and asks whatever was accepted all questions.
func FuzzNew(f *testing.F) {
	f.Add("UTC", "09:00", "17:00", "2024-12-12", "12-25", byte(0x3e), int64(1734000000))
	f.Add("Pacific/Apia", "22:00", "02:00", "", "2011-12-30", byte(0x7f), int64(1325200000))
	f.Add("Local", "24:00", "24:00", "x", "02-29", byte(0), int64(-1))
	f.Add("../UTC", "9:00", "24:01", "2024-02-30", "2023-02-29", byte(0x80), int64(-62135596800))
	f.Add("Europe/Berlin", "00:00", "24:00", "", "", byte(0x7f), int64(2493000000))
	f.Fuzz(func(t *testing.T, zone, start, end, date, closed string, days byte, second int64) {
		p := hours.Period{Date: date, Start: start, End: end}
		for d := range time.Weekday(8) {
			if days&(1<<d) != 0 {
				p.Days = append(p.Days, d)
			}
		}
		_, dateErr := hours.ParseDate(date)
		_, zoneErr := time.LoadLocation(zone)
		s, err := hours.New(zone, []hours.Period{p}, []hours.ClosedDate{{Date: closed}})
		if err != nil {
			_, ok := errors.AsType[*hours.InvalidError](err)
			require.True(t, ok)
			return
		}
		require.NoError(t, zoneErr)
		require.NotEqual(t, "Local", zone)
		require.Regexp(t, startPattern, start)
		require.Regexp(t, endPattern, end)
		require.NotEqual(t, start, end)
		require.Zero(t, days&0x80)
		require.True(t, days != 0 && date == "" || days == 0 && dateErr == nil)

		at := time.Unix(second%(1<<40), 0)
		s.Open(at)
		s.Windows(s.Date(at))
		if opens, ok := s.NextOpen(at); ok {
			now, _ := s.Open(opens)
			require.True(t, now && opens.After(at))
		}
		if closes, ok := s.NextClose(at); ok {
			now, _ := s.Open(closes)
			require.True(t, !now && closes.After(at))
		}
	})
}
