package handoff

import (
	"time"

	"github.com/human-handoff/handoff/internal/hours"
)

// DeclineReason says why there is no handoff now.
type DeclineReason string

// The reasons, in the order in which they are checked.
const (
	DeclineNotConfigured DeclineReason = "not_configured"
	DeclineDisabled      DeclineReason = "disabled"
	DeclineOutOfPeriod   DeclineReason = "out_of_service_period"
	DeclineUnavailable   DeclineReason = "provider_unavailable"
	DeclineEmailRequired DeclineReason = "email_required"
)

// Declined is an answer, not an error: no human can be reached now.
type Declined struct {
	Reason       DeclineReason
	Reply        string    // for the customer
	NextOpenTime time.Time // when the schedule is why; zero = never
}

// Opening is what an agent's schedule says of a moment.
type Opening struct {
	Open      bool
	Why       hours.Why
	Day       hours.Date // in Zone
	Zone      string
	Windows   []hours.Window // of the day
	NextOpen  time.Time      // after the moment; zero = none within eight years
	NextClose time.Time
}

// Schedule returns when humans are there. Its error is an [*hours.InvalidError].
func (s Settings) Schedule() (*hours.Schedule, error) {
	return hours.New(s.WithDefaults().TimeZone, s.ServicePeriods, s.ClosedDates)
}

// Opening tells what the schedule says of a moment.
func (s Settings) Opening(at time.Time) (Opening, error) {
	schedule, err := s.Schedule()
	if err != nil {
		return Opening{}, err
	}
	o := Opening{Day: schedule.Date(at), Zone: schedule.Zone().String()}
	o.Open, o.Why = schedule.Open(at)
	o.Windows = schedule.Windows(o.Day)
	o.NextOpen, _ = schedule.NextOpen(at)
	o.NextClose, _ = schedule.NextClose(at)
	return o, nil
}

// decline decides whether a new handoff is refused; nil means that it may start.
func decline(agent *Agent, caps Capabilities, customer Customer, now time.Time) (*Declined, error) {
	opening, err := agent.Settings.Opening(now)
	if err != nil {
		return nil, err
	}
	reason := agent.declineReason(caps, customer, opening)
	if reason == "" {
		return nil, nil //nolint:nilnil // nothing speaks against it
	}
	d := &Declined{Reason: reason, Reply: agent.Settings.TextsFor(customer.Locale).Declined(reason)}
	if reason == DeclineOutOfPeriod {
		d.NextOpenTime = opening.NextOpen
	}
	return d, nil
}

func (a *Agent) declineReason(caps Capabilities, customer Customer, opening Opening) DeclineReason {
	settings, state := a.Settings.WithDefaults(), a.Status().State
	switch {
	case state == ServiceNotConfigured:
		return DeclineNotConfigured
	case !*settings.Enabled:
		return DeclineDisabled
	case !opening.Open:
		return DeclineOutOfPeriod
	case state == ServiceUnavailable:
		return DeclineUnavailable
	case customer.Email == "" && settings.NeedsEmail(caps):
		return DeclineEmailRequired
	}
	return ""
}

// NeedsEmail reports whether a handoff is refused to customers without an
// address. A desk that insists on one is content with the default address.
func (s Settings) NeedsEmail(caps Capabilities) bool {
	return s.EmailPolicy == EmailRequired || s.EmailPolicy == EmailProvider && caps.NeedsEmail && s.DefaultEmail == ""
}
