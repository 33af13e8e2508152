package hours_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/human-handoff/handoff/internal/hours"
)

// TestMain makes each property run often enough to meet every zone many times,
// unless a number is asked for.
func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if !asked {
		_ = flag.Set("rapid.checks", checks)
	}
	os.Exit(m.Run())
}

// instant draws a time, half of them around a change of the zone's clocks.
func instant(t *rapid.T, zone *time.Location) time.Time {
	at := time.Unix(rapid.Int64Range(
		time.Date(1850, 1, 1, 0, 0, 0, 0, time.UTC).Unix(),
		time.Date(2110, 1, 1, 0, 0, 0, 0, time.UTC).Unix(),
	).Draw(t, "seconds"), 0)
	if _, change := at.In(zone).ZoneBounds(); !change.IsZero() && rapid.Bool().Draw(t, "near a change") {
		at = change.Add(time.Duration(rapid.IntRange(-40*3600, 20*3600).Draw(t, "seconds from the change")) * time.Second)
	}
	return at.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "quarters of a second")) * time.Second / 4)
}

// clock draws a time of day, one of few if the change of clocks shall be met.
func clock(t *rapid.T, label string, last int) string {
	m := rapid.OneOf(
		rapid.IntRange(0, last),
		rapid.Map(rapid.IntRange(0, last/15), func(q int) int { return q * 15 }),
		rapid.SampledFrom([]int{0, 1, 60, 119, 120, 121, 150, 180, 1380, 1381, min(last, 1440)}),
	).Draw(t, label)
	return fmt.Sprintf("%02d:%02d", m/60, m%60)
}

func near(t *rapid.T, at time.Time, label string) time.Time {
	return at.AddDate(0, 0, rapid.IntRange(-2, 3).Draw(t, label))
}

func drawPeriod(t *rapid.T, local time.Time) hours.Period {
	p := hours.Period{Start: clock(t, "start", 1439), End: clock(t, "end", 1440)}
	if p.Start == p.End {
		p.End = "24:00"
	}
	if rapid.Bool().Draw(t, "custom") {
		p.Date = near(t, local, "date").Format(time.DateOnly)
	} else {
		p.Days = rapid.SliceOfNDistinct(rapid.Map(rapid.IntRange(0, 6), func(d int) time.Weekday { return time.Weekday(d) }), 1, 7,
			rapid.ID).Draw(t, "days")
	}
	return p
}

type world struct {
	oracle

	schedule *hours.Schedule
	at       time.Time
}

func draw(t *rapid.T, names []string) world {
	name := rapid.SampledFrom(names).Draw(t, "zone")
	zone, err := time.LoadLocation(name)
	require.NoError(t, err)
	w := world{oracle: oracle{zone: zone}, at: instant(t, zone)}
	local := w.at.In(zone)
	for range rapid.IntRange(0, 10).Draw(t, "periods") {
		w.periods = append(w.periods, drawPeriod(t, local))
	}
	for range rapid.IntRange(0, 3).Draw(t, "closed dates") {
		layout := rapid.SampledFrom([]string{time.DateOnly, "01-02"}).Draw(t, "layout")
		w.closed = append(w.closed, hours.ClosedDate{Date: near(t, local, "closed").Format(layout)})
	}
	w.schedule, err = hours.New(name, w.periods, w.closed)
	require.NoError(t, err)
	return w
}

func TestOpenAndWindowsMatchTheOracle(t *testing.T) {
	names := zones(t)
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t, names)
		open, why := w.schedule.Open(w.at)
		require.Equal(t, w.open(w.at, days{}), open, "open at %v: %v", w.at.In(w.zone), why)

		date := w.schedule.Date(w.at)
		utc := time.Date(date.Year, date.Month, date.Day, 0, 0, 0, 0, time.UTC)
		windows := w.schedule.Windows(date)
		listed := []string{}
		for _, win := range windows {
			listed = append(listed, win.Start+"-"+win.End)
		}
		require.Equal(t, w.windows(utc), listed)

		// An instant belongs to a window exactly if the wall clock says so.
		at := utc.Add(-26 * time.Hour)
		for range rapid.IntRange(1, 30).Draw(t, "instants") {
			at = at.Add(time.Duration(rapid.IntRange(0, 6*3600).Draw(t, "seconds later")) * time.Second)
			requireSpans(t, w, date, windows, at)
		}
		for _, win := range windows {
			for _, sp := range win.Spans {
				require.True(t, sp.Start.Before(sp.End))
				for _, edge := range []time.Time{sp.Start, sp.Start.Add(-1), sp.End, sp.End.Add(-1)} {
					requireSpans(t, w, date, windows, edge)
				}
			}
		}
	})
}

func requireSpans(t *rapid.T, w world, date hours.Date, windows []hours.Window, at time.Time) {
	local := at.In(w.zone)
	for _, win := range windows {
		clock := local.Format("15:04")
		shown := hours.DateOf(local) == date && win.Start <= clock && clock < win.End
		held := false
		for _, sp := range win.Spans {
			held = held || !at.Before(sp.Start) && at.Before(sp.End)
		}
		require.Equal(t, shown, held, "%v in %v", local, win)
	}
}

func TestNextOpenAndNextCloseMatchTheOracle(t *testing.T) {
	names := zones(t)
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t, names)
		limit := w.at.Add(60 * time.Hour)
		opens, closes := w.next(w.at, limit)
		got, ok := w.schedule.NextOpen(w.at)
		requireNext(t, limit, opens, got, ok)
		got, ok = w.schedule.NextClose(w.at)
		requireNext(t, limit, closes, got, ok)
	})
}

func requireNext(t *rapid.T, limit, want, got time.Time, ok bool) {
	switch {
	case !want.IsZero():
		require.True(t, ok, "there is one at %v", want)
		require.True(t, want.Equal(got), "want %v, got %v", want, got)
	case ok:
		require.True(t, got.After(limit), "there is none until %v, got %v", limit, got)
	default:
		require.Zero(t, got)
	}
}
