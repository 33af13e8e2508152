package handoff

import (
	"strings"
	"time"
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
	NextOpenTime time.Time // zero = unknown or never
}

// decline decides whether a new handoff is refused; nil means that it may start.
func decline(agent *Agent, caps Capabilities, customer Customer) *Declined {
	settings := agent.Settings.WithDefaults()
	status := agent.Status()
	texts := settings.textsFor(customer.Locale)
	switch {
	case status.State == ServiceNotConfigured:
		return &Declined{Reason: DeclineNotConfigured, Reply: texts.NotConfigured}
	case !*settings.Enabled:
		return &Declined{Reason: DeclineDisabled, Reply: texts.Disabled}
	case status.State == ServiceUnavailable:
		return &Declined{Reason: DeclineUnavailable, Reply: texts.Unavailable}
	case customer.Email == "" && settings.NeedsEmail(caps):
		return &Declined{Reason: DeclineEmailRequired, Reply: texts.EmailRequired}
	}
	return nil
}

// NeedsEmail reports whether a handoff is refused to customers without an address.
func (s Settings) NeedsEmail(caps Capabilities) bool {
	return s.EmailPolicy == EmailRequired || s.EmailPolicy == EmailProvider && caps.NeedsEmail
}

var defaultTexts = Texts{
	NotConfigured: "Sorry, talking to a human is not possible here.",
	Disabled:      "Sorry, talking to a human is not possible at the moment.",
	OutOfPeriod:   "Sorry, nobody is here at the moment. Please come back during our service hours.",
	Unavailable:   "Sorry, our team cannot be reached right now. Please try again in a little while.",
	EmailRequired: "Please tell us your e-mail address, so that our team can help you.",
	WaitPrompt:    "Everybody is still busy. Would you like to go on waiting?",
}

// textsFor returns the texts of a locale: those of "de-AT", else of "de", else the defaults.
func (s Settings) textsFor(locale string) Texts {
	texts, ok := s.Texts[locale]
	if !ok {
		language, _, _ := strings.Cut(locale, "-")
		texts = s.Texts[language]
	}
	setDefault(&texts.OutOfPeriod, s.OutOfPeriodReply)
	setDefault(&texts.NotConfigured, defaultTexts.NotConfigured)
	setDefault(&texts.Disabled, defaultTexts.Disabled)
	setDefault(&texts.OutOfPeriod, defaultTexts.OutOfPeriod)
	setDefault(&texts.Unavailable, defaultTexts.Unavailable)
	setDefault(&texts.EmailRequired, defaultTexts.EmailRequired)
	setDefault(&texts.WaitPrompt, defaultTexts.WaitPrompt)
	return texts
}
