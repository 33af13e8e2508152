package hours_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/human-handoff/handoff/internal/hours"
)

// spans lists when the one window of a day is open, as "start/end".
func spans(t *testing.T, zone, date, start, end string) []string {
	t.Helper()
	s := schedule(t, zone, []hours.Period{weekly(everyDay, start, end)})
	out := []string{}
	for _, w := range s.Windows(day(t, date)) {
		for _, sp := range w.Spans {
			out = append(out, sp.Start.UTC().Format("01-02T15:04:05")+"/"+sp.End.UTC().Format("01-02T15:04:05"))
		}
	}
	return out
}

func TestWhenTheClocksChange(t *testing.T) {
	const (
		berlin = "Europe/Berlin"
		apia   = "Pacific/Apia"
	)
	tests := map[string]struct {
		zone, date, start, end string
		want                   []string // in UTC
	}{
		"a start that does not exist shifts forward":        {berlin, "2025-03-30", "02:30", "05:00", []string{"03-30T01:00:00/03-30T03:00:00"}},
		"an end that does not exist shifts forward":         {berlin, "2025-03-30", "01:00", "02:30", []string{"03-30T00:00:00/03-30T01:00:00"}},
		"both do not exist":                                 {berlin, "2025-03-30", "02:15", "02:45", []string{}},
		"the lost hour within":                              {berlin, "2025-03-30", "01:00", "04:00", []string{"03-30T00:00:00/03-30T02:00:00"}},
		"both exist twice":                                  {berlin, "2025-10-26", "02:15", "02:45", []string{"10-26T00:15:00/10-26T00:45:00", "10-26T01:15:00/10-26T01:45:00"}},
		"the repeated hour within":                          {berlin, "2025-10-26", "01:00", "04:00", []string{"10-25T23:00:00/10-26T03:00:00"}},
		"an end that exists twice":                          {berlin, "2025-10-26", "01:00", "02:30", []string{"10-25T23:00:00/10-26T00:30:00", "10-26T01:00:00/10-26T01:30:00"}},
		"a start that exists twice":                         {berlin, "2025-10-26", "02:30", "04:00", []string{"10-26T00:30:00/10-26T01:00:00", "10-26T01:30:00/10-26T03:00:00"}},
		"no midnight in São Paulo":                          {"America/Sao_Paulo", "2018-11-04", "00:00", "02:00", []string{"11-04T03:00:00/11-04T04:00:00"}},
		"the last hour twice in São Paulo":                  {"America/Sao_Paulo", "2018-02-17", "22:00", "24:00", []string{"02-18T00:00:00/02-18T03:00:00"}},
		"no midnight in Cairo":                              {"Africa/Cairo", "2023-04-28", "00:30", "02:00", []string{"04-27T22:00:00/04-27T23:00:00"}},
		"no midnight in Beirut":                             {"Asia/Beirut", "2022-03-27", "00:00", "01:30", []string{"03-26T22:00:00/03-26T22:30:00"}},
		"half an hour on Lord Howe Island":                  {"Australia/Lord_Howe", "2025-10-05", "02:15", "03:00", []string{"10-04T15:30:00/10-04T16:00:00"}},
		"back over midnight in St John's: the old day":      {"America/St_Johns", "2006-10-28", "23:00", "24:00", []string{"10-29T01:30:00/10-29T02:30:00", "10-29T02:31:00/10-29T03:30:00"}},
		"back over midnight in St John's: the new day":      {"America/St_Johns", "2006-10-29", "00:00", "01:00", []string{"10-29T02:30:00/10-29T02:31:00", "10-29T03:30:00/10-29T04:30:00"}},
		"the day before the one that Apia left out":         {apia, "2011-12-29", "23:00", "24:00", []string{"12-30T09:00:00/12-30T10:00:00"}},
		"the day that Apia left out":                        {apia, "2011-12-30", "09:00", "17:00", []string{}},
		"the day after it":                                  {apia, "2011-12-31", "00:00", "01:00", []string{"12-30T10:00:00/12-30T11:00:00"}},
		"a day that happened twice, as Kwajalein's of 1969": {"Pacific/Kwajalein", "1969-09-30", "10:00", "11:00", []string{"09-29T23:00:00/09-30T00:00:00", "09-30T22:00:00/09-30T23:00:00"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.want, spans(t, tt.zone, tt.date, tt.start, tt.end))
		})
	}
}

func TestNextAcrossAChangeOfTheClocks(t *testing.T) {
	tests := map[string]struct {
		zone, start, end       string
		at, nextOpen, nextShut string
	}{
		"opens when the missing hour is over": {
			"Europe/Berlin", "02:30", "05:00", "2025-03-30T00:00:00+01:00", "2025-03-30T03:00:00+02:00", "2025-03-30T05:00:00+02:00",
		},
		"opens a second time within the night": {
			"Europe/Berlin", "02:15", "02:45", "2025-10-26T02:20:00+02:00", "2025-10-26T02:15:00+01:00", "2025-10-26T02:45:00+02:00",
		},
		"a day that a zone left out leaves no gap": {
			"Pacific/Apia", "00:00", "24:00", "2011-12-29T12:00:00-10:00", "", "",
		},
		"a period ends on the day that a zone left out": {
			"Pacific/Apia", "20:00", "10:00", "2011-12-29T21:00:00-10:00", "2011-12-31T20:00:00+14:00", "2011-12-31T10:00:00+14:00",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := schedule(t, tt.zone, []hours.Period{weekly(everyDay, tt.start, tt.end)})
			opens, ok := s.NextOpen(at(t, tt.at))
			requireAt(t, tt.nextOpen, opens, ok)
			closes, ok := s.NextClose(at(t, tt.at))
			requireAt(t, tt.nextShut, closes, ok)
		})
	}
}
