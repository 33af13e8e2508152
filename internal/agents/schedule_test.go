package agents_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/hours"
)

// calendar is an iCalendar file with an all-day event for each "DATE" or
// "DATE;SUMMARY".
func calendar(days ...string) string {
	var text strings.Builder
	text.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n")
	for i, day := range days {
		date, summary, _ := strings.Cut(day, ";")
		fmt.Fprintf(&text, "BEGIN:VEVENT\r\nUID:%d\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:%s\r\nSUMMARY:%s\r\nEND:VEVENT\r\n", i, date, summary)
	}
	return text.String() + "END:VCALENDAR\r\n"
}

// inZone configures "bot" with a zone and closed dates, and no provider.
func (b *bench) inZone(zone string, dates ...hours.ClosedDate) *agents.View {
	b.t.Helper()
	v, err := b.svc.Configure(b.t.Context(), agents.Change{AgentID: "bot", Settings: func(s handoff.Settings) (handoff.Settings, error) {
		s.TimeZone, s.ClosedDates = zone, dates
		return s, nil
	}})
	require.NoError(b.t, err)
	return v
}

func (b *bench) closedDates() []hours.ClosedDate {
	b.t.Helper()
	v, err := b.svc.Get(b.t.Context(), "bot")
	require.NoError(b.t, err)
	return v.Agent.Settings.ClosedDates
}

func TestImportAddsHolidays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := b.inZone("UTC", hours.ClosedDate{Date: "2026-12-24", Note: "stocktaking"}, hours.ClosedDate{Date: "05-01"})
	in := agents.Import{AgentID: "bot", Calendar: calendar("20261225;Christmas", "20261224;Christmas Eve", "20260501;May Day")}
	want := []hours.ClosedDate{
		{Date: "05-01"}, {Date: "2026-05-01", Note: "May Day"}, {Date: "2026-12-24", Note: "stocktaking"}, {Date: "2026-12-25", Note: "Christmas"},
	}

	in.ValidateOnly = true
	v, added, err := b.svc.ImportClosedDates(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, want, v.Agent.Settings.ClosedDates)
	require.Equal(t, 2, added)
	require.Equal(t, before.ETag, v.ETag)
	require.Len(t, b.closedDates(), 2, "validate_only stores nothing")

	in.ValidateOnly = false
	v, added, err = b.svc.ImportClosedDates(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, 2, added, "of two for one day the one of before stays")
	require.Equal(t, want, v.Agent.Settings.ClosedDates)
	require.Equal(t, want, b.closedDates())
	require.NotEqual(t, before.ETag, v.ETag)
	require.Equal(t, "UTC", v.Agent.Settings.TimeZone, "the other settings stay")

	_, added, err = b.svc.ImportClosedDates(t.Context(), in)
	require.NoError(t, err)
	require.Zero(t, added, "the same file again")
	require.Equal(t, want, b.closedDates())

	in.Replace = true
	_, added, err = b.svc.ImportClosedDates(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, 3, added)
	require.Equal(t, []hours.ClosedDate{
		{Date: "2026-05-01", Note: "May Day"}, {Date: "2026-12-24", Note: "Christmas Eve"}, {Date: "2026-12-25", Note: "Christmas"},
	}, b.closedDates())
}

// Operators may write a day twice: for people, with another note each.
func TestImportLeavesADayThatIsThereTwice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.inZone("UTC", hours.ClosedDate{Date: "2026-12-25"}, hours.ClosedDate{Date: "2026-12-25", Note: "Christmas"})
	v, added, err := b.svc.ImportClosedDates(t.Context(), agents.Import{AgentID: "bot", Calendar: calendar("20261225;X", "20261226;Y")})
	require.NoError(t, err)
	require.Equal(t, 1, added)
	require.Equal(t, []hours.ClosedDate{
		{Date: "2026-12-25"}, {Date: "2026-12-25", Note: "Christmas"}, {Date: "2026-12-26", Note: "Y"},
	}, v.Agent.Settings.ClosedDates)
}

func TestImportReadsFromTodayOnForTwoYears(t *testing.T) {
	t.Parallel()
	days := calendar("20260101", "20260102", "20260103", "20270101", "20280101", "20280102", "20280103", "20280104")
	for _, test := range []struct {
		desc, zone string
		from, to   string
		want       []string
	}{
		{"by default", "UTC", "", "", []string{"2026-01-02", "2026-01-03", "2027-01-01", "2028-01-01", "2028-01-02"}},
		{"where it is yesterday", "America/Los_Angeles", "", "", []string{"2026-01-01", "2026-01-02", "2026-01-03", "2027-01-01", "2028-01-01"}},
		{"from a day", "UTC", "2026-01-03", "", []string{"2026-01-03", "2027-01-01", "2028-01-01", "2028-01-02", "2028-01-03"}},
		{"up to a day", "UTC", "", "2027-01-01", []string{"2026-01-02", "2026-01-03", "2027-01-01"}},
		{"a day", "UTC", "2028-01-04", "2028-01-04", []string{"2028-01-04"}},
		{"a range without holidays", "UTC", "2027-02-01", "2027-03-01", nil},
	} {
		t.Run(test.desc, func(t *testing.T) {
			t.Parallel()
			b := newBench(t) // 2 January 2026, 03:04 UTC
			b.inZone(test.zone)
			_, added, err := b.svc.ImportClosedDates(t.Context(), agents.Import{AgentID: "bot", Calendar: days, From: test.from, To: test.to})
			require.NoError(t, err)
			var got []string
			for _, d := range b.closedDates() {
				got = append(got, d.Date)
			}
			require.Equal(t, test.want, got)
			require.Len(t, test.want, added)
		})
	}
}

func TestImportOnALeapDay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.now = time.Date(2028, 2, 29, 12, 0, 0, 0, time.UTC)
	b.inZone("UTC")
	_, added, err := b.svc.ImportClosedDates(t.Context(), agents.Import{AgentID: "bot", Calendar: calendar("20280229", "20300228", "20300301", "20300302")})
	require.NoError(t, err)
	require.Equal(t, 2, added, "29 February 2030 is no day, but what is before it counts")
}

func TestImportRefusesWhatItCannotKeep(t *testing.T) {
	t.Parallel()
	var many []hours.ClosedDate
	day := hours.Date{Year: 2030, Month: 1, Day: 1}
	for i := range hours.MaxClosedDates {
		many = append(many, hours.ClosedDate{Date: day.AddDays(i).String()})
	}
	good := calendar("20260601;Whit Monday")
	for _, test := range []struct {
		desc  string
		in    agents.Import
		field string
		says  []string
	}{
		{"no calendar", agents.Import{Calendar: "hello"}, "calendar", nil},
		{"an event that makes no sense", agents.Import{Calendar: calendar("20260601;Whit Monday", "20261399;No such day")}, "calendar", []string{"No such day", "20261399"}},
		{"no such day", agents.Import{Calendar: good, From: "2026-02-30"}, "from", []string{"2026-02-30"}},
		{"no such last day", agents.Import{Calendar: good, To: "2026-02-30"}, "to", []string{"2026-02-30"}},
		{"a range that ends before it starts", agents.Import{Calendar: good, From: "2026-02-02", To: "2026-02-01"}, "to", []string{"2026-02-01", "2026-02-02"}},
		{"a range that ended before today", agents.Import{Calendar: good, To: "2026-01-01"}, "to", []string{"2026-01-01", "2026-01-02"}},
		{"too many with those of before", agents.Import{Calendar: good}, "calendar", []string{"1001", "1000"}},
	} {
		t.Run(test.desc, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.inZone("UTC", many...)
			test.in.AgentID = "bot"
			_, _, err := b.svc.ImportClosedDates(t.Context(), test.in)
			fault, ok := errors.AsType[*handoff.Error](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, handoff.CodeInvalid, fault.Code)
			require.Equal(t, "BAD_CALENDAR", fault.Reason)
			require.Len(t, fault.Violations, 1)
			require.Equal(t, test.field, fault.Violations[0].Field)
			for _, text := range test.says {
				require.Contains(t, fault.Violations[0].Problem, text)
				require.Contains(t, fault.Message, text)
			}
			require.Equal(t, many, b.closedDates(), "nothing is saved")
		})
	}
}

func TestImportIsCarefulWithOthersChanges(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	in := agents.Import{AgentID: "bot", Calendar: calendar("20260601")}
	_, _, err := b.svc.ImportClosedDates(t.Context(), in)
	require.ErrorIs(t, err, handoff.ErrAgentNotFound, "a file makes no agent")

	in.ETag = b.inZone("UTC").ETag
	v, _, err := b.svc.ImportClosedDates(t.Context(), in)
	require.NoError(t, err)
	_, _, err = b.svc.ImportClosedDates(t.Context(), in)
	require.ErrorIs(t, err, agents.ErrETagMismatch)
	in.ETag, in.Calendar = v.ETag, calendar("20260602")
	_, added, err := b.svc.ImportClosedDates(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, 1, added)
}

func TestAScheduleThatMakesNoSenseIsRefusedFieldByField(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.inZone("UTC")
	_, err := b.svc.Configure(t.Context(), agents.Change{AgentID: "bot", Settings: func(s handoff.Settings) (handoff.Settings, error) {
		s.TimeZone = "Mars/Olympus"
		s.ServicePeriods = []hours.Period{
			{Days: []time.Weekday{time.Monday}, Start: "09:00", End: "17:00"},
			{Days: []time.Weekday{time.Monday}, Start: "09:00", End: "09:00"},
			{Date: "2026-02-29", Start: "09:00", End: "17:00"},
		}
		s.ClosedDates = []hours.ClosedDate{{Date: "12-25"}, {Date: "2026-02-30"}}
		return s, nil
	}})
	fault, ok := errors.AsType[*handoff.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, handoff.CodeInvalid, fault.Code)
	require.Equal(t, "BAD_SCHEDULE", fault.Reason)
	var fields []string
	for _, v := range fault.Violations {
		fields = append(fields, v.Field)
		require.NotEmpty(t, v.Problem)
		require.Contains(t, fault.Message, v.Problem, "who reads only the message knows as much")
	}
	require.Equal(t, []string{
		"settings.time_zone", "settings.service_periods[1].weekly.end", "settings.service_periods[2].custom.date", "settings.closed_dates[1].date",
	}, fields)
	require.Empty(t, b.closedDates())
}

func TestOpening(t *testing.T) {
	t.Parallel()
	b := newBench(t) // a Friday, 03:04:05 UTC
	_, err := b.svc.Opening(t.Context(), "bot", time.Time{})
	require.ErrorIs(t, err, handoff.ErrAgentNotFound)
	b.inZone("Asia/Tokyo", hours.ClosedDate{Date: "2026-01-02", Note: "New Year"})
	o, err := b.svc.Opening(t.Context(), "bot", time.Time{})
	require.NoError(t, err)
	require.False(t, o.Open, "the zero time is now")
	require.Equal(t, hours.Why{Reason: hours.ReasonClosedDate, Note: "New Year"}, o.Why)
	require.Equal(t, "2026-01-02", o.Day.String())
	require.True(t, o.NextOpen.Equal(time.Date(2026, 1, 2, 15, 0, 0, 0, time.UTC)))
	o, err = b.svc.Opening(t.Context(), "bot", b.now.AddDate(0, 0, 1))
	require.NoError(t, err)
	require.True(t, o.Open)
}
