package handoff

import (
	"time"

	"github.com/human-handoff/handoff/internal/hours"
)

// Settings is what an agent's operator decides. Fields that are zero have the
// default that [Settings.WithDefaults] fills in.
type Settings struct {
	Enabled            *bool              `json:"enabled,omitempty"`
	TriggerDescription string             `json:"trigger_description,omitempty"`
	WaitTimeout        WaitTimeout        `json:"wait_timeout,omitempty"`
	SessionTimeout     SessionTimeout     `json:"session_timeout,omitempty"`
	OnWaitTimeout      WaitTimeoutAction  `json:"on_wait_timeout,omitempty"`
	HumanSilence       time.Duration      `json:"human_silence_timeout,omitempty"` // 0 = off
	MaxSessionDuration time.Duration      `json:"max_session_duration,omitempty"`
	TimeZone           string             `json:"time_zone,omitempty"` // IANA
	ServicePeriods     []hours.Period     `json:"service_periods,omitempty"`
	ClosedDates        []hours.ClosedDate `json:"closed_dates,omitempty"`
	OutOfPeriodReply   string             `json:"out_of_period_reply,omitempty"`
	Texts              map[string]Texts   `json:"texts,omitempty"` // by locale, or AnyLanguage
	TranscriptRounds   *int32             `json:"transcript_rounds,omitempty"`
	EmailPolicy        EmailPolicy        `json:"email_policy,omitempty"`
	DefaultEmail       string             `json:"default_email,omitempty"`
	PublicChat         bool               `json:"public_chat,omitempty"`
	AllowedOrigins     []string           `json:"allowed_origins,omitempty"`
	Retention          time.Duration      `json:"retention,omitempty"` // 0 = keep
	Redaction          Redaction          `json:"redaction,omitzero"`
}

// WaitTimeout lasts from the request to the wait prompt. It and SessionTimeout
// are types of their own, for a swap would hurt.
type WaitTimeout time.Duration

// SessionTimeout lasts from the last human message to the close.
type SessionTimeout time.Duration

// WaitTimeoutAction says what happens when nobody came in time.
type WaitTimeoutAction string

// The actions at the end of the wait.
const (
	WaitTimeoutPrompt WaitTimeoutAction = "prompt"
	WaitTimeoutClose  WaitTimeoutAction = "close"
)

// EmailPolicy says whether a handoff needs the customer's e-mail address.
type EmailPolicy string

// The e-mail policies.
const (
	EmailRequired EmailPolicy = "required"
	EmailOptional EmailPolicy = "optional"
	EmailProvider EmailPolicy = "provider" // as the provider needs it
)

// Redaction says what is taken out of texts before a provider sees them.
type Redaction struct {
	CardNumbers bool     `json:"card_numbers,omitempty"`
	Emails      bool     `json:"emails,omitempty"`
	Phones      bool     `json:"phones,omitempty"`
	Patterns    []string `json:"patterns,omitempty"` // RE2
}

// The defaults of the settings, those of the reference system.
const (
	DefaultWaitTimeout        = WaitTimeout(60 * time.Second)
	DefaultSessionTimeout     = SessionTimeout(180 * time.Second)
	DefaultMaxSessionDuration = 24 * time.Hour
	DefaultTimeZone           = "UTC"
	DefaultTranscriptRounds   = int32(10)
)

// WithDefaults returns the settings with every default in its place.
func (s Settings) WithDefaults() Settings {
	setDefault(&s.Enabled, new(true))
	setDefault(&s.WaitTimeout, DefaultWaitTimeout)
	setDefault(&s.SessionTimeout, DefaultSessionTimeout)
	setDefault(&s.OnWaitTimeout, WaitTimeoutPrompt)
	setDefault(&s.MaxSessionDuration, DefaultMaxSessionDuration)
	setDefault(&s.TimeZone, DefaultTimeZone)
	setDefault(&s.TranscriptRounds, new(DefaultTranscriptRounds))
	setDefault(&s.EmailPolicy, EmailRequired)
	return s
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Capabilities is what a kind of provider can do. The core degrades by it.
type Capabilities struct {
	Attachments  bool
	Typing       bool
	ReadReceipts bool
	NeedsEmail   bool // cannot work without an address
	CanClose     bool // can be told that the session ended
	ShowsEnd     bool // wants to be told even when its own human ended it
	MaxTextBytes int  // 0 = no limit of its own

	MaxAttachmentBytes int64    // of one file; 0 = no limit of its own
	AttachmentTypes    []string // media types, or beginnings of them such as "image/"; none = any

	MaxTranscriptBytes int // of all turns and the question together; 0 = no limit of its own
}
