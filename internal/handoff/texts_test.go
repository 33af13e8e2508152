package handoff_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
)

func TestTextsForFallsBackFromLocaleToLanguageToAny(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		desc, locale string
		texts        map[string]handoff.Texts
		general      string // out_of_period_reply
		want         string // "built in: " and a language, or the text
	}{
		{"nothing is known", "", nil, "", "built in: en"},
		{"a language without texts", "fr-CA", nil, "", "built in: en"},
		{"built in", "zh", nil, "", "built in: zh"},
		{"built in, by the language of a locale", "zh-TW", nil, "", "built in: zh"},
		{"an underscore", "zh_Hans_CN", nil, "", "built in: zh"},
		{"in any case", "ZH-cn", nil, "", "built in: zh"},
		{"a language that only begins alike", "zha", nil, "", "built in: en"},
		{"the very locale", "de-AT", map[string]handoff.Texts{"de-AT": {OutOfPeriod: "Servus"}, "de": {OutOfPeriod: "Hallo"}}, "", "Servus"},
		{"its language", "de-CH", map[string]handoff.Texts{"de-AT": {OutOfPeriod: "Servus"}, "de": {OutOfPeriod: "Hallo"}}, "", "Hallo"},
		{"step by step", "zh_Hans_CN", map[string]handoff.Texts{"zh-hans": {OutOfPeriod: "script"}, "zh": {OutOfPeriod: "language"}}, "", "script"},
		{"a key in another case", "pt-br", map[string]handoff.Texts{"PT-BR": {OutOfPeriod: "Oi"}}, "", "Oi"},
		{"a language does not stand for its locales alone", "de", map[string]handoff.Texts{"de-AT": {OutOfPeriod: "Servus"}}, "", "built in: en"},
		{"any language", "fr", map[string]handoff.Texts{"und": {OutOfPeriod: "any"}, "de": {OutOfPeriod: "Hallo"}}, "general", "any"},
		{"any language comes before what is built in", "zh", map[string]handoff.Texts{"und": {OutOfPeriod: "any"}}, "", "any"},
		{"the general reply", "zh", map[string]handoff.Texts{"de": {OutOfPeriod: "Hallo"}}, "general", "general"},
		{"the locale comes before the general reply", "de", map[string]handoff.Texts{"de": {OutOfPeriod: "Hallo"}}, "general", "Hallo"},
	} {
		t.Run(test.desc, func(t *testing.T) {
			t.Parallel()
			s := handoff.Settings{Texts: test.texts, OutOfPeriodReply: test.general}
			want := test.want
			for _, language := range []string{"en", "zh"} {
				if want == "built in: "+language {
					want = handoff.Settings{}.TextsFor(language).OutOfPeriod
				}
			}
			require.Equal(t, want, s.TextsFor(test.locale).OutOfPeriod)
		})
	}
}

func TestEachTextFallsBackOnItsOwn(t *testing.T) {
	t.Parallel()
	s := handoff.Settings{OutOfPeriodReply: "general", Texts: map[string]handoff.Texts{
		"de-AT": {Disabled: "locale"},
		"de":    {Disabled: "language", Closed: "language"},
		"und":   {Disabled: "any", Closed: "any", WaitPrompt: "any"},
	}}
	want := handoff.Settings{}.TextsFor("en")
	want.Disabled, want.Closed, want.WaitPrompt, want.OutOfPeriod = "locale", "language", "any", "general"
	require.Equal(t, want, s.TextsFor("de-AT"))
	require.Equal(t, handoff.Texts{Disabled: "locale"}, s.Texts["de-AT"], "settings stay as they are")
}

// A text that is added to the struct alone would be empty for every customer.
func TestEveryTextIsBuiltInInBothLanguages(t *testing.T) {
	t.Parallel()
	en, zh := reflect.ValueOf(handoff.Settings{}.TextsFor("en")), reflect.ValueOf(handoff.Settings{}.TextsFor("zh"))
	for i := range en.NumField() {
		name := en.Type().Field(i).Name
		require.NotEmpty(t, en.Field(i).String(), name)
		require.NotEmpty(t, zh.Field(i).String(), name)
		require.NotEqual(t, en.Field(i).String(), zh.Field(i).String(), "%s is in its language", name)
	}
}

func TestEveryOutcomeHasItsText(t *testing.T) {
	t.Parallel()
	texts := handoff.Settings{}.TextsFor("en")
	seen := map[string]bool{}
	for _, reason := range []handoff.DeclineReason{
		handoff.DeclineNotConfigured, handoff.DeclineDisabled, handoff.DeclineOutOfPeriod, handoff.DeclineUnavailable, handoff.DeclineEmailRequired,
	} {
		require.NotEmpty(t, texts.Declined(reason), reason)
		require.False(t, seen[texts.Declined(reason)], "%s has one of its own", reason)
		seen[texts.Declined(reason)] = true
	}
	for reason, want := range map[handoff.CloseReason]string{
		handoff.ClosedByCustomer: texts.Closed, handoff.ClosedByOperator: texts.Closed, handoff.ClosedByHuman: texts.Closed,
		handoff.ClosedByWaitTimeout: texts.WaitTimeout, handoff.ClosedBySessionTimeout: texts.SessionTimeout,
		handoff.ClosedByExpiry: texts.SessionTimeout, handoff.ClosedByProvider: texts.ProviderFailed,
	} {
		require.Equal(t, want, texts.Ended(reason), reason)
	}
}

// A session asks in the language that its customer had at the start.
func TestAWaitPromptIsInTheCustomersLanguage(t *testing.T) {
	t.Parallel()
	c := &counter{agent: agentWith(handoff.ServiceAvailable, handoff.Settings{
		EmailPolicy: handoff.EmailOptional, HumanSilence: time.Minute,
		Texts: map[string]handoff.Texts{"zh": {SilencePrompt: "还在吗？"}},
	})}
	s, d := c.ask(t, noon, handoff.Customer{Locale: "zh-CN"})
	require.Nil(t, d)
	s.Fire(noon.Add(time.Duration(handoff.DefaultWaitTimeout)))
	require.Equal(t, handoff.Settings{}.TextsFor("zh").WaitPrompt, lastPrompt(s))

	s.Receive(handoff.HumanMessage{Text: "hello"}, "m1", noon)
	_, err := s.Accept(handoff.Message{ID: "m2", Text: "hi"}, noon)
	require.NoError(t, err)
	s.Fire(noon.Add(time.Minute))
	require.Equal(t, "还在吗？", lastPrompt(s))
}

func lastPrompt(s *handoff.Session) (text string) {
	for _, e := range s.Changes().Events {
		if prompt, ok := e.Body.(handoff.WaitPrompted); ok {
			text = prompt.Text
		}
	}
	return text
}
