// Package ical reads the holidays of an iCalendar file (RFC 5545), as calendars
// and public offices publish them, into closed dates.
//
// Each all-day VEVENT closes its days; its SUMMARY becomes the note. An event that
// lasts from midnight to midnight counts as all-day, for some programs write
// holidays so; other events with times, and cancelled ones, are passed over.
//
// An event that comes back every year on the same days, without end, becomes
// yearly closed dates. Other yearly rules, such as "the fourth Thursday of
// November", become the single dates that lie in the range that was asked for.
// INTERVAL, COUNT, UNTIL, BYMONTH, BYMONTHDAY and BYDAY are understood, as are
// RDATE, EXDATE and occurrences that were moved (RECURRENCE-ID). What repeats in
// another way is an error rather than a holiday that is silently missing.
//
// Files come from strangers: what is read, its lines, its nesting and the work
// that its rules may cause are bounded.
package ical
