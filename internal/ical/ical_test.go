package ical_test

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/hours"
	"github.com/human-handoff/handoff/internal/ical"
)

var (
	from = hours.Date{Year: 2025, Month: time.January, Day: 1}
	to   = hours.Date{Year: 2026, Month: time.December, Day: 31}
)

// calendar wraps properties of events, "|" between lines and "||" between events.
func calendar(events string) string {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\n")
	for event := range strings.SplitSeq(events, "||") {
		b.WriteString("BEGIN:VEVENT\r\n" + strings.ReplaceAll(event, "|", "\r\n") + "\r\nEND:VEVENT\r\n")
	}
	b.WriteString("END:VCALENDAR\r\n")
	return b.String()
}

func read(t *testing.T, file string) []string {
	t.Helper()
	closed, err := ical.ClosedDates(strings.NewReader(file), from, to)
	require.NoError(t, err)
	return lines(closed)
}

func lines(closed []hours.ClosedDate) []string {
	out := []string{}
	for _, c := range closed {
		out = append(out, strings.TrimSpace(c.Date+" "+c.Note))
	}
	return out
}

func TestClosedDates(t *testing.T) {
	tests := map[string]struct {
		events string
		want   []string
	}{
		"a day":                     {"DTSTART;VALUE=DATE:20251225|DTEND;VALUE=DATE:20251226|SUMMARY:Christmas", []string{"2025-12-25 Christmas"}},
		"without VALUE":             {"DTSTART:20251225|SUMMARY:Christmas", []string{"2025-12-25 Christmas"}},
		"without SUMMARY":           {"DTSTART:20251225", []string{"2025-12-25"}},
		"names in lower case":       {"dtstart;value=date:20251225|summary:Christmas", []string{"2025-12-25 Christmas"}},
		"an end on the same day":    {"DTSTART:20251225|DTEND:20251225", []string{"2025-12-25"}},
		"several days":              {"DTSTART:20251224|DTEND:20251227|SUMMARY:Xmas", []string{"2025-12-24 Xmas", "2025-12-25 Xmas", "2025-12-26 Xmas"}},
		"a duration in days":        {"DTSTART:20251224|DURATION:P2D", []string{"2025-12-24", "2025-12-25"}},
		"a duration in weeks":       {"DTSTART:20251224|DURATION:P1W", []string{"2025-12-24", "2025-12-25", "2025-12-26", "2025-12-27", "2025-12-28", "2025-12-29", "2025-12-30"}},
		"out of the range":          {"DTSTART:20241231||DTSTART:20270101||DTSTART:20250101||DTSTART:20261231", []string{"2025-01-01", "2026-12-31"}},
		"partly out of the range":   {"DTSTART:20241231|DTEND:20250102||DTSTART:20261231|DTEND:20270102", []string{"2025-01-01", "2026-12-31"}},
		"one date with two names":   {"DTSTART:20251225|SUMMARY:A||DTSTART:20251225|SUMMARY:B||DTSTART:20251225|SUMMARY:A", []string{"2025-12-25 A, B"}},
		"escapes":                   {`DTSTART:20251225|SUMMARY:Christmas\, 1st\nday \; \\ rest`, []string{`2025-12-25 Christmas, 1st day ; \ rest`}},
		"folded":                    {"DTSTART:20251225|SUMMARY;LANGUAGE=en:Christ| mas|\t  Day", []string{"2025-12-25 Christmas Day"}},
		"a parameter with a colon":  {`DTSTART;X-A="a:b;c":20251225|SUMMARY:A`, []string{"2025-12-25 A"}},
		"cancelled":                 {"DTSTART:20251225|STATUS:CANCELLED||DTSTART:20251226", []string{"2025-12-26"}},
		"transparent is closed":     {"DTSTART:20251225|TRANSP:TRANSPARENT", []string{"2025-12-25"}},
		"a meeting is passed over":  {"DTSTART:20251225T090000Z|DTEND:20251225T100000Z||DTSTART:20251226", []string{"2025-12-26"}},
		"midnight to midnight":      {"DTSTART;TZID=Europe/Berlin:20251225T000000|DTEND;TZID=Europe/Berlin:20251227T000000", []string{"2025-12-25", "2025-12-26"}},
		"midnight to morning":       {"DTSTART:20251225T000000|DTEND:20251226T080000||DTSTART:20251226", []string{"2025-12-26"}},
		"a moment at midnight":      {"DTSTART:20251225T000000||DTSTART:20251226", []string{"2025-12-26"}},
		"a date until a time":       {"DTSTART:20251225|DTEND:20251226T080000||DTSTART:20251226", []string{"2025-12-26"}},
		"hours":                     {"DTSTART:20251225|DURATION:PT8H||DTSTART:20251226", []string{"2025-12-26"}},
		"every year":                {"DTSTART:20201225|RRULE:FREQ=YEARLY|SUMMARY:Christmas", []string{"12-25 Christmas"}},
		"every year, in words":      {"DTSTART:20201225|RRULE:FREQ=YEARLY;INTERVAL=1;BYMONTH=12;BYMONTHDAY=25;WKST=SU", []string{"12-25"}},
		"every year, several days":  {"DTSTART:20201231|DTEND:20210102|RRULE:FREQ=YEARLY", []string{"01-01", "12-31"}},
		"every 29 February":         {"DTSTART:20200229|RRULE:FREQ=YEARLY", []string{"02-29"}},
		"every year over February":  {"DTSTART:20230228|DTEND:20230302|RRULE:FREQ=YEARLY", []string{"2025-02-28", "2025-03-01", "2026-02-28", "2026-03-01"}},
		"every year from next year": {"DTSTART:20261225|RRULE:FREQ=YEARLY", []string{"2026-12-25"}},
		"every year from this year": {"DTSTART:20251225|RRULE:FREQ=YEARLY", []string{"12-25"}},
		"into the range, not before its start": {"DTSTART:20251231|DTEND:20260102|RRULE:FREQ=YEARLY", []string{
			"2025-12-31", "2026-01-01", "2026-12-31",
		}},
		"every year until":        {"DTSTART:20201225|RRULE:FREQ=YEARLY;UNTIL=20251225", []string{"2025-12-25"}},
		"until a time":            {"DTSTART:20201225|RRULE:FREQ=YEARLY;UNTIL=20251225T000000Z", []string{"2025-12-25"}},
		"until before the range":  {"DTSTART:20201225|RRULE:FREQ=YEARLY;UNTIL=20241224", []string{}},
		"a count":                 {"DTSTART:20201225|RRULE:FREQ=YEARLY;COUNT=6", []string{"2025-12-25"}},
		"an interval":             {"DTSTART:20201225|RRULE:FREQ=YEARLY;INTERVAL=3", []string{"2026-12-25"}},
		"the fourth Thursday":     {"DTSTART:19701126|RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH|SUMMARY:Thanksgiving", []string{"2025-11-27 Thanksgiving", "2026-11-26 Thanksgiving"}},
		"the last Monday":         {"DTSTART:19710531|RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO", []string{"2025-05-26", "2026-05-25"}},
		"the first Monday's year": {"DTSTART:20200106|RRULE:FREQ=YEARLY;BYDAY=1MO", []string{"2025-01-06", "2026-01-05"}},
		"election day":            {"DTSTART:20201103|RRULE:FREQ=YEARLY;INTERVAL=2;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8", []string{"2026-11-03"}},
		"the last of the month":   {"DTSTART:20200229|RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1", []string{"2025-02-28", "2026-02-28"}},
		"several months":          {"DTSTART:20200131|RRULE:FREQ=YEARLY;BYMONTH=1,2,3", []string{"2025-01-31", "2025-03-31", "2026-01-31", "2026-03-31"}},
		"an exception":            {"DTSTART:20201225|RRULE:FREQ=YEARLY|EXDATE;VALUE=DATE:20251225", []string{"2026-12-25"}},
		"further dates":           {"DTSTART:20251225|RDATE;VALUE=DATE:20260101,20260501|RDATE:20260502", []string{"2025-12-25", "2026-01-01", "2026-05-01", "2026-05-02"}},
		"a moved occurrence": {"UID:a|DTSTART:20201225|RRULE:FREQ=YEARLY||UID:a|RECURRENCE-ID:20251225|DTSTART:20251227", []string{
			"2025-12-27", "2026-12-25",
		}},
		"a cancelled occurrence": {"UID:a|DTSTART:20201225|RRULE:FREQ=YEARLY||UID:a|RECURRENCE-ID:20251225|DTSTART:20251225|STATUS:CANCELLED", []string{
			"2026-12-25",
		}},
		"a renamed occurrence": {"UID:a|DTSTART:20201225|RRULE:FREQ=YEARLY|SUMMARY:A||UID:a|RECURRENCE-ID:20251225|DTSTART:20251225|SUMMARY:B", []string{
			"2025-12-25 B", "2026-12-25 A",
		}},
		"begun before the range":     {"DTSTART:20201230|DURATION:P4D|RRULE:FREQ=YEARLY;UNTIL=20241230", []string{"2025-01-01", "2025-01-02"}},
		"counted from its own start": {"DTSTART:20250228|RRULE:FREQ=YEARLY;BYMONTH=1,2,3;COUNT=3", []string{"2025-02-28", "2025-03-28", "2026-01-28"}},
		"morning to midnight":        {"DTSTART:20251225T090000|DTEND:20251226T000000||DTSTART:20251226", []string{"2025-12-26"}},
		"yearly ones come first":     {"DTSTART:20250101||DTSTART:20201225|RRULE:FREQ=YEARLY||DTSTART:20250501", []string{"12-25", "2025-01-01", "2025-05-01"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.want, read(t, calendar(tt.events)))
		})
	}
}

func TestAFileAsOfficesPublishIt(t *testing.T) {
	const file = "\ufeffBEGIN:VCALENDAR\nPRODID:-//Office//Holidays//DE\nVERSION:2.0\nCALSCALE:GREGORIAN\nMETHOD:PUBLISH\nX-WR-CALNAME:Feiertage\n" +
		"BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:DAYLIGHT\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nDTSTART:19810329T020000\n" +
		"RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\nEND:VTIMEZONE\n\n" +
		"BEGIN:VEVENT\nUID:1@office\nDTSTAMP:20240101T000000Z\nDTSTART;VALUE=DATE:20250418\nDTEND;VALUE=DATE:20250419\n" +
		"SUMMARY:Karfreitag\nDESCRIPTION:Gesetzlicher Feiertag\\, bundesweit\nCLASS:PUBLIC\nTRANSP:TRANSPARENT\n" +
		"BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-P1D\nDESCRIPTION:x\nEND:VALARM\nEND:VEVENT\n" +
		"BEGIN:VEVENT\nUID:2@office\nDTSTART;VALUE=DATE:20250501\nRRULE:FREQ=YEARLY\nSUMMARY:Tag der Arbeit – 劳动节\nX-MICROSOFT-CDO-ALLDAYEVENT:TRUE\nEND:VEVENT\n" +
		"END:VCALENDAR\n"
	assert.Equal(t, []string{"05-01 Tag der Arbeit – 劳动节", "2025-04-18 Karfreitag"}, read(t, file))
}

func TestLongNotesAreCutBetweenCharacters(t *testing.T) {
	closed, err := ical.ClosedDates(strings.NewReader(calendar("DTSTART:20250101|SUMMARY:"+strings.Repeat("节", 200))), from, to)
	require.NoError(t, err)
	assert.Equal(t, strings.Repeat("节", 169)+"…", closed[0].Note)
}

func TestErrorsSayWhatIsWrong(t *testing.T) {
	tests := map[string]struct{ file, want string }{
		"empty":                {"", "does not start with BEGIN:VCALENDAR"},
		"a page":               {"<!DOCTYPE html>\n<html></html>", "does not start with BEGIN:VCALENDAR"},
		"cut off":              {"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n", "cut off"},
		"another encoding":     {"BEGIN:VCALENDAR\r\nX:\xff\r\nEND:VCALENDAR", "not in UTF-8"},
		"too large":            {calendar("DTSTART:20250101|DESCRIPTION:" + strings.Repeat("x", ical.MaxBytes)), "larger than 1048576 bytes"},
		"too many events":      {calendar(strings.Repeat("DTSTART:20250101||", ical.MaxEvents) + "DTSTART:20250101"), "5001 events"},
		"too deep":             {"BEGIN:VCALENDAR\n" + strings.Repeat("BEGIN:X\n", 9) + strings.Repeat("END:X\n", 9) + "END:VCALENDAR", "within more than 8 others"},
		"many parameters":      {calendar("DTSTART:20250101|X-A" + strings.Repeat(";A=b", 400) + ":c"), "parameters of more than 1024 bytes"},
		"folded parameters":    {calendar("DTSTART:20250101|X-A" + strings.Repeat("| ;A=b", 400) + ":c"), "parameters of more than 1024 bytes"},
		"a quoted parameter":   {calendar(`DTSTART:20250101|X-A;B=":` + strings.Repeat("x", 1024) + `":c`), "parameters of more than 1024 bytes"},
		"a broken line":        {calendar("DTSTART:20250101|no colon"), "not a valid iCalendar file"},
		"an unbalanced end":    {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VTODO\nEND:VCALENDAR", "not a valid iCalendar file"},
		"no events":            {"BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR", "no all-day event"},
		"meetings only":        {calendar("DTSTART:20250101T090000|DTEND:20250101T100000"), "no all-day event"},
		"no start":             {calendar("DTSTART:20250101||SUMMARY:May Day"), `the event "May Day" (number 2 of the file): it has no DTSTART`},
		"a start in words":     {calendar("DTSTART:tomorrow|SUMMARY:May Day"), `DTSTART: "tomorrow" is not a date`},
		"no such day":          {calendar("DTSTART:20250230"), `DTSTART: "20250230" is not a date`},
		"no such time":         {calendar("DTSTART:20250201T250000"), "is not a date"},
		"a wrong end":          {calendar("DTSTART:20250101|DTEND:x"), "DTEND:"},
		"an end too early":     {calendar("DTSTART:20250102|DTEND:20250101"), "must end after it starts"},
		"an end too late":      {calendar("DTSTART:20250101|DTEND:20260103"), "within 366 days"},
		"no duration":          {calendar("DTSTART:20250101|DURATION:P"), "DURATION:"},
		"a negative duration":  {calendar("DTSTART:20250101|DURATION:-P1D"), "DURATION:"},
		"a long duration":      {calendar("DTSTART:20250101|DURATION:P53W"), "within 366 days"},
		"a wrong RDATE":        {calendar("DTSTART:20250101|RDATE:20250101T000000/P1D"), "RDATE:"},
		"a wrong EXDATE":       {calendar("DTSTART:20250101|EXDATE:x"), "EXDATE:"},
		"a wrong RECURRENCE":   {calendar("DTSTART:20250101|RECURRENCE-ID:x"), "RECURRENCE-ID:"},
		"every week":           {calendar("DTSTART:20250101|RRULE:FREQ=WEEKLY|SUMMARY:Rest"), `the event "Rest" (number 1 of the file): RRULE: it repeats WEEKLY`},
		"no FREQ":              {calendar("DTSTART:20250101|RRULE:INTERVAL=1"), "no FREQ"},
		"no rule":              {calendar("DTSTART:20250101|RRULE:YEARLY"), "not a recurrence rule"},
		"a part twice":         {calendar("DTSTART:20250101|RRULE:FREQ=YEARLY;FREQ=YEARLY"), "not a recurrence rule"},
		"an unknown part":      {calendar("DTSTART:20250101|RRULE:FREQ=YEARLY;BYWEEKNO=1"), "BYWEEKNO is not understood"},
		"a wrong interval":     {calendar("DTSTART:20250101|RRULE:FREQ=YEARLY;INTERVAL=0"), "INTERVAL:"},
		"a wrong count":        {calendar("DTSTART:20250101|RRULE:FREQ=YEARLY;COUNT=-1"), "COUNT:"},
		"a wrong until":        {calendar("DTSTART:20250101|RRULE:FREQ=YEARLY;UNTIL=x"), "UNTIL:"},
		"a wrong month":        {calendar("DTSTART:20250101|RRULE:FREQ=YEARLY;BYMONTH=13"), "BYMONTH:"},
		"a wrong day":          {calendar("DTSTART:20250101|RRULE:FREQ=YEARLY;BYMONTHDAY=0"), "BYMONTHDAY:"},
		"a wrong weekday":      {calendar("DTSTART:20250101|RRULE:FREQ=YEARLY;BYDAY=XX"), "BYDAY:"},
		"a short weekday":      {calendar("DTSTART:20250101|RRULE:FREQ=YEARLY;BYDAY=M"), "BYDAY:"},
		"a weekday's number":   {calendar("DTSTART:20250101|RRULE:FREQ=YEARLY;BYDAY=54MO"), "BYDAY:"},
		"a long list":          {calendar("DTSTART:20250101|RRULE:FREQ=YEARLY;BYMONTH=" + strings.Repeat("1,", 62) + "1"), "more than 62"},
		"a long list of days":  {calendar("DTSTART:20250101|RRULE:FREQ=YEARLY;BYDAY=" + strings.Repeat("MO,", 62) + "MO"), "more than 62"},
		"a long rule":          {calendar("DTSTART:20250101|RRULE:FREQ=YEARLY;" + strings.Repeat("X", 512)), "more than 512 bytes"},
		"too many closed days": {calendar("DTSTART:20250101|RRULE:FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;COUNT=600|DURATION:P2D||DTSTART:20250101|DURATION:P365D|" + many(1001)), "allowed"},
		"too many years":       {calendar(strings.Repeat("DTSTART:00010101|RRULE:FREQ=YEARLY;COUNT=9999||", 10) + "DTSTART:20250101"), "too many"},
		"too much repetition":  {calendar(strings.Repeat("DTSTART:20250101|DURATION:P366D||", 300) + "DTSTART:20250101"), "repeat too often"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := ical.ClosedDates(strings.NewReader(tt.file), from, hours.Date{Year: 2035, Month: 12, Day: 31})
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// many is an RDATE with so many days.
func many(n int) string {
	var dates []string
	for i := range n {
		dates = append(dates, strings.ReplaceAll(from.AddDays(i).String(), "-", ""))
	}
	return "RDATE:" + strings.Join(dates, ",")
}

func TestTheRangeAndTheReaderMayFail(t *testing.T) {
	_, err := ical.ClosedDates(strings.NewReader(calendar("DTSTART:20250101")), to, from)
	require.ErrorContains(t, err, "before it starts")
	broken := errors.New("the line was cut")
	_, err = ical.ClosedDates(iotest.ErrReader(broken), from, to)
	require.ErrorIs(t, err, broken)
	_, err = ical.ClosedDates(io.LimitReader(endless{}, 1<<40), from, to)
	require.ErrorContains(t, err, "larger than")
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// FuzzClosedDates reads whole files, FuzzEvent the parts of one event.
func FuzzClosedDates(f *testing.F) {
	for _, events := range []string{
		"DTSTART;VALUE=DATE:20251225|DTEND;VALUE=DATE:20251226|SUMMARY:Christmas",
		"UID:a|DTSTART:20201225|RRULE:FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25||UID:a|RECURRENCE-ID:20251225|DTSTART:20251227",
		"DTSTART;TZID=\"Europe/Berlin\":20251225T000000|DTEND:20251227T000000|STATUS:CANCELLED",
	} {
		f.Add([]byte(calendar(events)))
	}
	f.Add([]byte("BEGIN:VCALENDAR\n\n  BEGIN:VEVENT\nEND:VCALENDAR"))
	f.Fuzz(func(t *testing.T, file []byte) { requireSound(t, string(file)) })
}

func FuzzEvent(f *testing.F) {
	f.Add("19701126", "DTEND", "19701127", "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;COUNT=100;WKST=SU", "20251127")
	f.Add("20240228", "DURATION", "P3D", "FREQ=YEARLY;INTERVAL=2;UNTIL=20300101", "20250101,20250102")
	f.Add("99991231", "DURATION", "P52W", "FREQ=YEARLY;BYMONTHDAY=-1;BYDAY=-53MO,TU", "00010101")
	f.Add("20251225T000000", "DTEND", "20251227T000000", "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25", "20251225T000000Z")
	f.Fuzz(func(t *testing.T, start, name, end, rule, dates string) {
		event := "DTSTART:" + start + "|" + name + ":" + end + "|RRULE:" + rule + "|SUMMARY:" + dates
		requireSound(t, calendar(event+"|EXDATE:"+dates))
		requireSound(t, calendar(event+"|RDATE:"+dates))
	})
}

// requireSound wants what schedules take: sorted, each date once, within the range.
func requireSound(t *testing.T, file string) {
	t.Helper()
	closed, err := ical.ClosedDates(strings.NewReader(file), from, to)
	if err != nil {
		require.Nil(t, closed)
		return
	}
	_, err = hours.New("UTC", nil, closed)
	require.NoError(t, err)
	var yearly, dated []string
	for _, c := range closed {
		require.LessOrEqual(t, len(c.Note), 512)
		if len(c.Date) == len("12-25") {
			yearly = append(yearly, c.Date)
			continue
		}
		dated = append(dated, c.Date)
		require.True(t, c.Date >= from.String() && c.Date <= to.String(), c.Date)
	}
	require.True(t, slices.IsSorted(yearly) && slices.IsSorted(dated))
	require.Len(t, slices.Compact(yearly), len(closed)-len(dated))
	require.Len(t, slices.Compact(slices.Clone(dated)), len(dated))
}

// BenchmarkTheWorstFile holds a file of the largest size to a bounded time.
func BenchmarkTheWorstFile(b *testing.B) {
	files := map[string]string{
		"rules": calendar(strings.Repeat("DTSTART:00010101|RRULE:FREQ=YEARLY;COUNT=10000;BYMONTHDAY="+
			strings.Repeat("31,", 61)+"30;BYMONTH=2;BYDAY="+strings.Repeat("MO,", 61)+"TU||", 2) + "DTSTART:20250101"),
		"parameters": calendar("DTSTART:20250101|X" + strings.Repeat(";A=", 330) + ":" + strings.Repeat("x", ical.MaxBytes-2000)),
		"events":     calendar(strings.Repeat("DTSTART:20250101|SUMMARY:"+strconv.Itoa(1<<40)+"||", ical.MaxEvents-1) + "DTSTART:20250101"),
		"lists":      calendar("DTSTART:20250101|" + strings.Repeat("RDATE:20250102|", 40000) + "EXDATE" + ":" + strings.Repeat("20250102,", 40000) + "20250101"),
	}
	for name, file := range files {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = ical.ClosedDates(strings.NewReader(file), from, to)
			}
		})
	}
}
