package handoff

import (
	"maps"
	"slices"
	"strings"
)

// AnyLanguage is the key of [Settings].Texts that stands for every locale that
// has no text of its own: the tag of an undetermined language (ISO 639-2).
const AnyLanguage = "und"

// Texts is what a customer reads, in one locale. Empty texts have defaults.
type Texts struct {
	NotConfigured  string `json:"not_configured,omitempty"`
	Disabled       string `json:"disabled,omitempty"`
	OutOfPeriod    string `json:"out_of_period,omitempty"`
	Unavailable    string `json:"unavailable,omitempty"`
	EmailRequired  string `json:"email_required,omitempty"`
	WaitPrompt     string `json:"wait_prompt,omitempty"`
	SilencePrompt  string `json:"silence_prompt,omitempty"`
	Connecting     string `json:"connecting,omitempty"`
	WaitTimeout    string `json:"wait_timeout,omitempty"`
	SessionTimeout string `json:"session_timeout,omitempty"`
	ProviderFailed string `json:"provider_failed,omitempty"`
	Closed         string `json:"closed,omitempty"`
}

var builtInTexts = map[string]Texts{
	"en": {
		NotConfigured:  "Sorry, talking to a human is not possible here.",
		Disabled:       "Sorry, talking to a human is not possible at the moment.",
		OutOfPeriod:    "Sorry, nobody is here at the moment. Please come back during our service hours.",
		Unavailable:    "Sorry, our team cannot be reached right now. Please try again in a little while.",
		EmailRequired:  "Please tell us your e-mail address, so that our team can help you.",
		WaitPrompt:     "Everybody is still busy. Would you like to go on waiting?",
		SilencePrompt:  "The answer takes a little longer. Would you like to go on waiting?",
		Connecting:     "I am connecting you with our team. Please wait a moment.",
		WaitTimeout:    "Sorry, nobody from our team was free in time. I am here for you again.",
		SessionTimeout: "The conversation with our team has ended, for nothing was said for a while. I am here for you again.",
		ProviderFailed: "Sorry, our team could not be reached. I am here for you again.",
		Closed:         "The conversation with our team has ended. I am here for you again.",
	},
	"zh": {
		NotConfigured:  "抱歉，这里暂不提供人工服务。",
		Disabled:       "抱歉，目前无法转接人工服务。",
		OutOfPeriod:    "抱歉，现在不在人工服务时间内，请在服务时间再来咨询。",
		Unavailable:    "抱歉，暂时无法联系到人工客服，请稍后再试。",
		EmailRequired:  "请留下您的邮箱地址，以便客服人员为您服务。",
		WaitPrompt:     "客服人员仍在忙碌中，您要继续等待吗？",
		SilencePrompt:  "客服人员的回复需要多一点时间，您要继续等待吗？",
		Connecting:     "正在为您转接人工客服，请稍候。",
		WaitTimeout:    "抱歉，客服人员一直忙碌，未能接待您。我会继续为您服务。",
		SessionTimeout: "由于长时间没有新消息，人工服务已结束。我会继续为您服务。",
		ProviderFailed: "抱歉，未能联系到人工客服。我会继续为您服务。",
		Closed:         "人工服务已结束。我会继续为您服务。",
	},
}

// TextsFor returns what a customer of a locale reads. What "zh-Hans-CN" lacks is
// looked up in "zh-Hans", in "zh", under [AnyLanguage], and then built in, as
// lookup goes in RFC 4647, section 3.4.
func (s Settings) TextsFor(locale string) Texts {
	var texts Texts
	languages := fallbacks(locale)
	for _, language := range append(languages, AnyLanguage) {
		fill(&texts, s.textsOf(language))
	}
	fill(&texts, Texts{OutOfPeriod: s.OutOfPeriodReply})
	for _, language := range append(languages, "en") {
		fill(&texts, builtInTexts[language])
	}
	return texts
}

// Declined returns the reply to a declined request.
func (t Texts) Declined(reason DeclineReason) string {
	return map[DeclineReason]string{
		DeclineNotConfigured: t.NotConfigured, DeclineDisabled: t.Disabled, DeclineOutOfPeriod: t.OutOfPeriod,
		DeclineUnavailable: t.Unavailable, DeclineEmailRequired: t.EmailRequired,
	}[reason]
}

// Ended returns what is said after a session ended.
func (t Texts) Ended(reason CloseReason) string {
	switch reason {
	case ClosedByWaitTimeout:
		return t.WaitTimeout
	case ClosedBySessionTimeout, ClosedByExpiry:
		return t.SessionTimeout
	case ClosedByProvider:
		return t.ProviderFailed
	default:
		return t.Closed
	}
}

// textsOf returns the texts under a tag, whatever its case.
func (s Settings) textsOf(tag string) Texts {
	for _, key := range slices.Sorted(maps.Keys(s.Texts)) {
		if strings.EqualFold(key, tag) {
			return s.Texts[key]
		}
	}
	return Texts{}
}

// fallbacks returns a locale and what it falls back to, in lower case.
func fallbacks(locale string) []string {
	var tags []string
	tag := strings.ToLower(strings.ReplaceAll(locale, "_", "-"))
	for tag != "" {
		tags = append(tags, tag)
		tag = tag[:max(0, strings.LastIndexByte(tag, '-'))]
	}
	return tags
}

// fill sets what is empty.
func fill(t *Texts, from Texts) {
	theirs := fieldsOf(&from)
	for i, text := range fieldsOf(t) {
		setDefault(text, *theirs[i])
	}
}

func fieldsOf(t *Texts) []*string {
	return []*string{
		&t.NotConfigured, &t.Disabled, &t.OutOfPeriod, &t.Unavailable, &t.EmailRequired, &t.WaitPrompt,
		&t.SilencePrompt, &t.Connecting, &t.WaitTimeout, &t.SessionTimeout, &t.ProviderFailed, &t.Closed,
	}
}
