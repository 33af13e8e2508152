package wire

import (
	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/hours"
)

// ToOpening returns what a schedule says of a moment.
func ToOpening(o handoff.Opening) *handoffv1.EvaluateScheduleResponse {
	return &handoffv1.EvaluateScheduleResponse{
		Open: o.Open, Reason: reasonText(o), ReasonCode: scheduleReasons[o.Why.Reason], Windows: toWindows(o.Windows),
		NextOpenTime: ToTime(o.NextOpen), NextCloseTime: ToTime(o.NextClose), TimeZone: o.Zone, Date: o.Day.String(),
	}
}

var scheduleReasons = map[hours.Reason]string{
	hours.ReasonNoPeriods:      "NO_PERIODS",
	hours.ReasonInPeriod:       "IN_PERIOD",
	hours.ReasonOutsidePeriods: "OUTSIDE_PERIODS",
	hours.ReasonClosedDate:     "CLOSED_DATE",
}

func reasonText(o handoff.Opening) string {
	day := o.Day.String()
	switch o.Why.Reason {
	case hours.ReasonNoPeriods:
		return "open: there are no service periods, so service is always on"
	case hours.ReasonInPeriod:
		return "open: a service period of " + day + " includes this moment"
	case hours.ReasonClosedDate:
		if o.Why.Note != "" {
			return "closed: " + day + " is a closed date (" + o.Why.Note + ")"
		}
		return "closed: " + day + " is a closed date"
	default:
		return "closed: no service period of " + day + " includes this moment"
	}
}

func toWindows(windows []hours.Window) []*handoffv1.ServiceWindow {
	list := make([]*handoffv1.ServiceWindow, len(windows))
	for i, w := range windows {
		list[i] = &handoffv1.ServiceWindow{Start: w.Start, End: w.End}
	}
	return list
}

// FromImport reads a calendar to import.
func FromImport(r *handoffv1.ImportClosedDatesRequest) agents.Import {
	return agents.Import{
		AgentID: r.GetAgentId(), Calendar: r.GetCalendar(), From: r.GetFrom(), To: r.GetTo(),
		Replace: r.GetReplace(), ETag: r.GetEtag(), ValidateOnly: r.GetValidateOnly(),
	}
}

// ToImport returns what came of an import.
func ToImport(v *agents.View, added int) *handoffv1.ImportClosedDatesResponse {
	return &handoffv1.ImportClosedDatesResponse{
		ClosedDates: toClosedDates(v.Agent.Settings.ClosedDates), Added: int32(added), Etag: v.ETag, //nolint:gosec // at most 1,000
	}
}

func toClosedDates(dates []hours.ClosedDate) []*handoffv1.ClosedDate {
	list := make([]*handoffv1.ClosedDate, len(dates))
	for i, d := range dates {
		list[i] = &handoffv1.ClosedDate{Date: d.Date, Note: d.Note}
	}
	return list
}
