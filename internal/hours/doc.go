// Package hours decides when humans are there: service periods as calendar
// arithmetic, without clock, storage or network. It imports nothing but the
// standard library.
//
// [New] turns a zone, periods and closed dates into a [Schedule], which answers
// [Schedule.Open], [Schedule.NextOpen], [Schedule.NextClose] and, for one day,
// [Schedule.Windows]. A Schedule never changes and may be used by many
// goroutines.
//
// # Windows of a natural day
//
// All periods that apply to a day of the zone are laid over one another, weekly
// and custom ones alike. Those that overlap become one window that spans them;
// those that merely touch stay apart. 09:00–12:00, 10:00–12:00, 13:00–18:00 and
// 15:00–17:00 make 09:00–12:00 and 13:00–18:00. A window holds its start but not
// its end.
//
// A period whose end lies before its start runs past midnight and is split
// there: 22:00–02:00 on Fridays is 22:00–24:00 on Friday and 00:00–02:00 on
// Saturday. Windows that touch, also across midnight, are apart in the listing
// only: service does not pause between them, so neither NextOpen nor NextClose
// stops there.
//
// A closed date empties its day, including what ran over from the day before.
// The periods of a closed day do not happen at all: with Friday closed, the
// 00:00–02:00 of Saturday above is gone too.
//
// Without any period service never ends, except on closed dates.
//
// # When the clocks change
//
// The wall clock rules: an instant is open if, and only if, the clock on the wall
// shows a date and a time within a window of that date. Everything else follows,
// for example in Europe/Berlin:
//
//   - On 30 March 2025 the clock jumps from 02:00 to 03:00. A window 02:30–05:00
//     opens when the clock shows 03:00, the first moment that exists after its
//     start; one that ends at 02:30 closes at that same moment; 02:15–02:45 does
//     not occur.
//   - On 26 October 2025 the hour from 02:00 to 03:00 happens twice. A window
//     02:15–02:45 is open both times and closed in between, 01:00–04:00 lasts
//     four hours, and 01:00–02:30 is open from 01:00 until the first 02:30 and
//     again from the second 02:00 until the second 02:30.
//
// It holds for changes at midnight and for dates that a zone left out, such as
// 30 December 2011 in Pacific/Apia: that day lists its windows, but no instant
// belongs to them, while a period that began on it still ends on the next day.
package hours
