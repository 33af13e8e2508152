package agents

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/hours"
	"github.com/human-handoff/handoff/internal/ical"
)

// importYears is how far a calendar is read ahead when nobody says.
const importYears = 2

// Opening tells what an agent's schedule says of a moment; the zero time is now.
func (svc *Service) Opening(ctx context.Context, agentID string, at time.Time) (handoff.Opening, error) {
	agent, err := svc.store.Agent(ctx, agentID)
	if err != nil {
		return handoff.Opening{}, err
	}
	if at.IsZero() {
		at = svc.now()
	}
	return agent.Settings.Opening(at)
}

// Import is an iCalendar file of holidays for an agent.
type Import struct {
	AgentID      string
	Calendar     string
	From, To     string // dates, "2026-01-01"; empty = today, and two years later
	Replace      bool   // drop the closed dates of before
	ETag         string // when given, the agent must still be at it
	ValidateOnly bool   // store nothing
}

// ImportClosedDates adds the holidays of a calendar to an agent's closed dates
// and returns how many came with it.
func (svc *Service) ImportClosedDates(ctx context.Context, in Import) (v *View, added int, err error) {
	if _, err := svc.store.Agent(ctx, in.AgentID); err != nil {
		return nil, 0, err
	}
	v, err = svc.Configure(ctx, Change{
		AgentID: in.AgentID, ETag: in.ETag, ValidateOnly: in.ValidateOnly,
		Settings: func(s handoff.Settings) (handoff.Settings, error) {
			dates, err := in.read(s, svc.now())
			if err != nil {
				return s, err
			}
			if in.Replace {
				s.ClosedDates = nil
			}
			s.ClosedDates, added = mergeDates(s.ClosedDates, dates)
			if n := len(s.ClosedDates); n > hours.MaxClosedDates {
				err = badImport("calendar", fmt.Errorf("with those of before there would be %d closed dates, but at most %d are allowed; choose a shorter range, or set replace to drop those of before", n, hours.MaxClosedDates))
			}
			return s, err
		},
	})
	return v, added, err
}

func (in Import) read(s handoff.Settings, now time.Time) ([]hours.ClosedDate, error) {
	schedule, err := s.Schedule()
	if err != nil {
		return nil, badSettings(err)
	}
	from := schedule.Date(now)
	if in.From != "" {
		if from, err = hours.ParseDate(in.From); err != nil {
			return nil, badImport("from", err)
		}
	}
	to := hours.Date{Year: from.Year + importYears, Month: from.Month, Day: from.Day}
	if in.To != "" {
		if to, err = hours.ParseDate(in.To); err != nil {
			return nil, badImport("to", err)
		}
	}
	if to.Compare(from) < 0 {
		return nil, badImport("to", fmt.Errorf("the range ends on %s, before it starts on %s", to, from))
	}
	dates, err := ical.ClosedDates(strings.NewReader(in.Calendar), from, to)
	if err != nil {
		return nil, badImport("calendar", err)
	}
	return dates, nil
}

func badImport(field string, err error) error {
	e := handoff.Errorf(handoff.CodeInvalid, "BAD_CALENDAR", "%s: %s", field, err)
	e.Violations = []handoff.Violation{{Field: field, Problem: err.Error()}}
	return e
}

// mergeDates adds dates that are not there yet and returns all in order, those
// of every year first. Those of before stay, even several for one day, of which
// each may lend its note.
func mergeDates(old, more []hours.ClosedDate) (all []hours.ClosedDate, added int) {
	all = slices.Clone(old)
	known := map[string]bool{}
	for _, d := range old {
		known[d.Date] = true
	}
	for _, d := range more {
		if !known[d.Date] {
			all = append(all, d)
		}
	}
	slices.SortStableFunc(all, func(a, b hours.ClosedDate) int {
		if byLength := len(a.Date) - len(b.Date); byLength != 0 {
			return byLength
		}
		return strings.Compare(a.Date, b.Date)
	})
	return all, len(all) - len(old)
}

// checkSettings checks what the API's rules cannot.
func checkSettings(s handoff.Settings, err error) (handoff.Settings, error) {
	if err == nil {
		_, err = s.Schedule()
		err = badSettings(err)
	}
	return s, err
}

// badSettings tells a caller which of its settings are wrong.
func badSettings(err error) error {
	invalid, ok := errors.AsType[*hours.InvalidError](err)
	if !ok {
		return err
	}
	e := handoff.Errorf(handoff.CodeInvalid, "BAD_SCHEDULE", "settings: %s", err)
	for _, f := range invalid.Faults {
		e.Violations = append(e.Violations, handoff.Violation{Field: "settings." + f.Field, Problem: f.Problem})
	}
	return e
}
