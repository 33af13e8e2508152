package wire

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/hours"
)

// ToSettings returns the message of settings, with every default filled in.
func ToSettings(given handoff.Settings) *handoffv1.Settings {
	s := given.WithDefaults()
	m := &handoffv1.Settings{
		Enabled:             s.Enabled,
		TriggerDescription:  s.TriggerDescription,
		WaitTimeout:         durationpb.New(time.Duration(s.WaitTimeout)),
		SessionTimeout:      durationpb.New(time.Duration(s.SessionTimeout)),
		OnWaitTimeout:       waitActions.to[s.OnWaitTimeout],
		HumanSilenceTimeout: toDuration(s.HumanSilence),
		MaxSessionDuration:  toDuration(s.MaxSessionDuration),
		TimeZone:            s.TimeZone,
		OutOfPeriodReply:    s.OutOfPeriodReply,
		TranscriptRounds:    s.TranscriptRounds,
		EmailPolicy:         emailPolicies.to[s.EmailPolicy],
		DefaultEmail:        s.DefaultEmail,
		PublicChat:          s.PublicChat,
		AllowedOrigins:      s.AllowedOrigins,
		Retention:           toDuration(s.Retention),
	}
	for _, p := range s.ServicePeriods {
		m.ServicePeriods = append(m.ServicePeriods, toPeriod(p))
	}
	m.ClosedDates = toClosedDates(s.ClosedDates)
	for locale, t := range s.Texts {
		if m.Texts == nil {
			m.Texts = map[string]*handoffv1.Texts{}
		}
		m.Texts[locale] = toTexts(t)
	}
	if r := s.Redaction; r.CardNumbers || r.Emails || r.Phones || len(r.Patterns) > 0 {
		m.Redaction = &handoffv1.Redaction{CardNumbers: r.CardNumbers, Emails: r.Emails, Phones: r.Phones, Patterns: r.Patterns}
	}
	return m
}

// FromSettings reads settings; what is left out stays zero, which means its default.
func FromSettings(m *handoffv1.Settings) handoff.Settings {
	s := handoff.Settings{
		Enabled:            m.Enabled,
		TriggerDescription: m.GetTriggerDescription(),
		WaitTimeout:        handoff.WaitTimeout(m.GetWaitTimeout().AsDuration()),
		SessionTimeout:     handoff.SessionTimeout(m.GetSessionTimeout().AsDuration()),
		OnWaitTimeout:      waitActions.from[m.GetOnWaitTimeout()],
		HumanSilence:       m.GetHumanSilenceTimeout().AsDuration(),
		MaxSessionDuration: m.GetMaxSessionDuration().AsDuration(),
		TimeZone:           m.GetTimeZone(),
		OutOfPeriodReply:   m.GetOutOfPeriodReply(),
		TranscriptRounds:   m.TranscriptRounds,
		EmailPolicy:        emailPolicies.from[m.GetEmailPolicy()],
		DefaultEmail:       m.GetDefaultEmail(),
		PublicChat:         m.GetPublicChat(),
		AllowedOrigins:     m.GetAllowedOrigins(),
		Retention:          m.GetRetention().AsDuration(),
		Redaction: handoff.Redaction{
			CardNumbers: m.GetRedaction().GetCardNumbers(), Emails: m.GetRedaction().GetEmails(),
			Phones: m.GetRedaction().GetPhones(), Patterns: m.GetRedaction().GetPatterns(),
		},
	}
	for _, p := range m.GetServicePeriods() {
		s.ServicePeriods = append(s.ServicePeriods, fromPeriod(p))
	}
	for _, d := range m.GetClosedDates() {
		s.ClosedDates = append(s.ClosedDates, hours.ClosedDate{Date: d.GetDate(), Note: d.GetNote()})
	}
	for locale, t := range m.GetTexts() {
		if s.Texts == nil {
			s.Texts = map[string]handoff.Texts{}
		}
		s.Texts[locale] = fromTexts(t)
	}
	return s
}

func toPeriod(p hours.Period) *handoffv1.ServicePeriod {
	if p.Date != "" {
		return &handoffv1.ServicePeriod{Period: &handoffv1.ServicePeriod_Custom{
			Custom: &handoffv1.CustomPeriod{Date: p.Date, Start: p.Start, End: p.End},
		}}
	}
	w := &handoffv1.WeeklyPeriod{Start: p.Start, End: p.End}
	for _, d := range p.Days {
		w.Days = append(w.Days, days.to[d])
	}
	return &handoffv1.ServicePeriod{Period: &handoffv1.ServicePeriod_Weekly{Weekly: w}}
}

func fromPeriod(m *handoffv1.ServicePeriod) hours.Period {
	if c := m.GetCustom(); c != nil {
		return hours.Period{Date: c.GetDate(), Start: c.GetStart(), End: c.GetEnd()}
	}
	p := hours.Period{Start: m.GetWeekly().GetStart(), End: m.GetWeekly().GetEnd()}
	for _, d := range m.GetWeekly().GetDays() {
		p.Days = append(p.Days, days.from[d])
	}
	return p
}

func toTexts(t handoff.Texts) *handoffv1.Texts {
	return &handoffv1.Texts{
		OutOfPeriodReply: t.OutOfPeriod, UnavailableReply: t.Unavailable, EmailRequiredReply: t.EmailRequired,
		DisabledReply: t.Disabled, NotConfiguredReply: t.NotConfigured,
		WaitPrompt: t.WaitPrompt, SilencePrompt: t.SilencePrompt, Connecting: t.Connecting, WaitTimeout: t.WaitTimeout,
		SessionTimeout: t.SessionTimeout, ProviderFailed: t.ProviderFailed, Closed: t.Closed,
	}
}

func fromTexts(m *handoffv1.Texts) handoff.Texts {
	return handoff.Texts{
		OutOfPeriod: m.GetOutOfPeriodReply(), Unavailable: m.GetUnavailableReply(), EmailRequired: m.GetEmailRequiredReply(),
		Disabled: m.GetDisabledReply(), NotConfigured: m.GetNotConfiguredReply(),
		WaitPrompt: m.GetWaitPrompt(), SilencePrompt: m.GetSilencePrompt(), Connecting: m.GetConnecting(), WaitTimeout: m.GetWaitTimeout(),
		SessionTimeout: m.GetSessionTimeout(), ProviderFailed: m.GetProviderFailed(), Closed: m.GetClosed(),
	}
}
