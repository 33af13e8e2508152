package hours_test

import (
	"archive/zip"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata" // the zones of the oracle are there on every machine

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/hours"
)

// labels are the times of a day, "24:00" included.
var labels = func() (out [1441]string) {
	for m := range out {
		out[m] = fmt.Sprintf("%02d:%02d", m/60, m%60)
	}
	return out
}()

// oracle answers by looking at every minute. It shares no code with the package
// and knows neither offsets nor changes of the clock: it asks package time what
// the wall clock shows.
type oracle struct {
	zone    *time.Location
	periods []hours.Period
	closed  []hours.ClosedDate
}

func (o oracle) closedOn(day time.Time) bool {
	return slices.ContainsFunc(o.closed, func(c hours.ClosedDate) bool {
		return c.Date == day.Format("2006-01-02") || c.Date == day.Format("01-02")
	})
}

func starts(p hours.Period, day time.Time) bool {
	return slices.Contains(p.Days, day.Weekday()) || p.Date == day.Format("2006-01-02")
}

// minutes tells, for every period and minute of a day (midnight in UTC stands for
// it), whether the period covers it. Periods of the day before are rows of their
// own.
func (o oracle) minutes(day time.Time) [][1440]bool {
	var rows [][1440]bool
	if o.closedOn(day) {
		return nil
	}
	if len(o.periods) == 0 {
		var all [1440]bool
		for m := range all {
			all[m] = true
		}
		return append(rows, all)
	}
	before := day.AddDate(0, 0, -1)
	for _, p := range o.periods {
		var today, ranOver [1440]bool
		overnight := p.End < p.Start
		here := starts(p, day)
		there := overnight && starts(p, before) && !o.closedOn(before)
		for m, now := range labels[:1440] {
			today[m] = here && p.Start <= now && (overnight || now < p.End)
			ranOver[m] = there && now < p.End
		}
		rows = append(rows, today, ranOver)
	}
	return rows
}

// windows joins rows as long as two of them share a minute.
func (o oracle) windows(day time.Time) []string {
	rows := o.minutes(day)
	for again := true; again; {
		again = false
		for i := range rows {
			for j := i + 1; j < len(rows); j++ {
				if shareMinute(rows[i], rows[j]) {
					for m := range 1440 {
						rows[i][m] = rows[i][m] || rows[j][m]
					}
					rows, again = slices.Delete(rows, j, j+1), true
					j--
				}
			}
		}
	}
	out := []string{}
	for _, row := range rows {
		first := slices.Index(row[:], true)
		if first < 0 {
			continue
		}
		last := first
		for m := range 1440 {
			if row[m] {
				last = m
			}
		}
		out = append(out, labels[first]+"-"+labels[last+1])
	}
	slices.Sort(out)
	return out
}

func shareMinute(a, b [1440]bool) bool {
	for m := range 1440 {
		if a[m] && b[m] {
			return true
		}
	}
	return false
}

// days caches which minutes are open, by date.
type days map[time.Time]*[1440]bool

func (o oracle) open(t time.Time, cache days) bool {
	local := t.In(o.zone)
	y, m, d := local.Date()
	date := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	open, ok := cache[date]
	if !ok {
		open = new([1440]bool)
		for _, row := range o.minutes(date) {
			for i := range row {
				open[i] = open[i] || row[i]
			}
		}
		cache[date] = open
	}
	return open[local.Hour()*60+local.Minute()]
}

// step returns the next instant at which something can change: the next full
// minute on the wall clock, or the next second while the clocks are being changed
// (the local mean times of old changed at odd seconds).
func (o oracle) step(t time.Time) time.Time {
	next := t.Truncate(time.Second).Add(time.Duration(60-t.In(o.zone).Second()) * time.Second)
	_, before := t.In(o.zone).Zone()
	_, after := next.In(o.zone).Zone()
	if before == after {
		return next
	}
	return t.Truncate(time.Second).Add(time.Second)
}

// next looks for the first instants after t, up to the limit, at which service
// opens and closes. Zero means that it does not.
func (o oracle) next(t, limit time.Time) (opens, closes time.Time) {
	cache := days{}
	open := o.open(t, cache)
	for at := o.step(t); !at.After(limit) && (opens.IsZero() || closes.IsZero()); at = o.step(at) {
		now := o.open(at, cache)
		switch {
		case now && !open && opens.IsZero():
			opens = at
		case !now && open && closes.IsZero():
			closes = at
		}
		open = now
	}
	return opens, closes
}

// allZones lists the zones that come with Go.
var allZones = sync.OnceValues(func() ([]string, error) {
	root := os.Getenv("GOROOT")
	if root == "" {
		out, err := exec.Command("go", "env", "GOROOT").Output()
		if err != nil {
			return nil, err
		}
		root = strings.TrimSpace(string(out))
	}
	archive, err := zip.OpenReader(filepath.Join(root, "lib", "time", "zoneinfo.zip"))
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	names := map[string]bool{}
	for _, f := range archive.File {
		if !strings.HasSuffix(f.Name, "/") {
			names[f.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
})

func zones(t *testing.T) []string {
	t.Helper()
	names, err := allZones()
	require.NoError(t, err)
	require.Greater(t, len(names), 500)
	return names
}
