package handoff_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/hours"
)

func (c *counter) tool(t *testing.T, customer handoff.Customer) handoff.Tool {
	t.Helper()
	tool, err := c.service(noon, handoff.Capabilities{}).Tool(t.Context(), "shop", customer)
	require.NoError(t, err)
	return tool
}

func TestToolTellsWhatIsTrueNow(t *testing.T) {
	t.Parallel()
	vienna := handoff.Settings{TimeZone: "Europe/Vienna", EmailPolicy: handoff.EmailOptional} // 13:00 there
	with := func(change func(*handoff.Settings)) handoff.Settings {
		s := vienna
		change(&s)
		return s
	}
	texts := handoff.Settings{}.TextsFor("")
	const rest = "do not promise how soon somebody comes. Once a session was returned, the conversation is the human's: say nothing until it is closed."
	for _, test := range []struct {
		desc  string
		agent *handoff.Agent
		want  string
	}{
		{
			"always open", agentWith(handoff.ServiceAvailable, vienna),
			"Humans are there now. When nobody has answered within 60 seconds, the customer is asked whether to go on waiting: " + rest,
		},
		{"until a time", agentWith(handoff.ServiceAvailable, with(func(s *handoff.Settings) {
			s.ServicePeriods = []hours.Period{on(time.Thursday, "09:00", "18:00")}
			s.WaitTimeout, s.OnWaitTimeout = handoff.WaitTimeout(5*time.Minute), handoff.WaitTimeoutClose
		})), "Humans are there now, until 18:00 on Thursday, 12 December 2024 (Europe/Vienna). When nobody has answered within 5 minutes, the request ends: " + rest},
		{
			"an address is asked for", agentWith(handoff.ServiceAvailable, with(func(s *handoff.Settings) { s.EmailPolicy = "" })),
			"Humans are there now. Ask the customer for an e-mail address before. When nobody has answered within 60 seconds, the customer is asked whether to go on waiting: " + rest,
		},
		{"closed", agentWith(handoff.ServiceUnavailable, with(func(s *handoff.Settings) {
			s.ServicePeriods = []hours.Period{on(time.Friday, "09:00", "18:00")}
		})), "Nobody is there before 09:00 on Friday, 13 December 2024 (Europe/Vienna): do not promise a human. Using the tool now is declined; then tell the customer: “" + texts.OutOfPeriod + "”"},
		{"closed for good", agentWith(handoff.ServiceAvailable, with(func(s *handoff.Settings) {
			s.ServicePeriods = []hours.Period{{Date: "2024-12-11", Start: "09:00", End: "18:00"}}
		})), "Nobody is there now, and no opening is planned: do not promise a human. Using the tool now is declined; then tell the customer: “" + texts.OutOfPeriod + "”"},
		{
			"turned off", agentWith(handoff.ServiceAvailable, with(func(s *handoff.Settings) { s.Enabled = new(false) })),
			"No human can be reached at present: do not promise one. Using the tool now is declined; then tell the customer: “" + texts.Disabled + "”",
		},
		{
			"nobody configured it", nil,
			"No human can be reached at present: do not promise one. Using the tool now is declined; then tell the customer: “" + texts.NotConfigured + "”",
		},
	} {
		t.Run(test.desc, func(t *testing.T) {
			t.Parallel()
			tool := (&counter{agent: test.agent}).tool(t, handoff.Customer{})
			require.Equal(t, test.want, tool.Now)
			require.NotEmpty(t, tool.Trigger)
			require.Equal(t, texts, tool.Texts)
		})
	}
}

func TestToolSaysWhatTheOperatorAndTheCustomerSpeak(t *testing.T) {
	t.Parallel()
	c := &counter{agent: agentWith(handoff.ServiceAvailable, handoff.Settings{TriggerDescription: "Only for refunds."})}
	tool := c.tool(t, handoff.Customer{Locale: "zh-CN"})
	require.Equal(t, "Only for refunds.", tool.Trigger)
	require.Equal(t, handoff.Settings{}.TextsFor("zh"), tool.Texts)
}

// An address is asked for once: who told it in an earlier session told it.
func TestToolAsksForAnAddressOnlyWhenItIsUnknown(t *testing.T) {
	t.Parallel()
	emails := map[string]string{"ann": "ann@example.com"}
	for _, test := range []struct {
		desc     string
		policy   handoff.EmailPolicy
		customer handoff.Customer
		want     handoff.Ask
	}{
		{"required", handoff.EmailRequired, handoff.Customer{}, handoff.AskAlways},
		{"optional", handoff.EmailOptional, handoff.Customer{}, handoff.AskIfTold},
		{"given", handoff.EmailRequired, handoff.Customer{Email: "joe@example.com"}, handoff.AskNever},
		{"known", handoff.EmailRequired, handoff.Customer{UserID: "ann"}, handoff.AskNever},
		{"of somebody else", handoff.EmailRequired, handoff.Customer{UserID: "joe"}, handoff.AskAlways},
		{"known, and optional", handoff.EmailOptional, handoff.Customer{UserID: "ann"}, handoff.AskNever},
		{"a browser's own id is nobody's", handoff.EmailRequired, handoff.Customer{AnonymousID: "ann"}, handoff.AskAlways},
	} {
		t.Run(test.desc, func(t *testing.T) {
			t.Parallel()
			c := &counter{emails: emails, agent: agentWith(handoff.ServiceAvailable, handoff.Settings{EmailPolicy: test.policy})}
			tool := c.tool(t, test.customer)
			require.Equal(t, test.want, tool.AsksEmail)
			if test.want == handoff.AskAlways {
				require.Contains(t, tool.Now, "Ask the customer for an e-mail address")
			} else {
				require.NotContains(t, tool.Now, "e-mail")
			}
		})
	}
}

func TestARequestRemembersTheAddress(t *testing.T) {
	t.Parallel()
	c := &counter{
		emails: map[string]string{"ann": "ann@example.com"},
		agent:  agentWith(handoff.ServiceAvailable, handoff.Settings{DefaultEmail: "desk@example.com"}),
	}
	s, d := c.ask(t, noon, handoff.Customer{UserID: "ann"})
	require.Nil(t, d)
	require.Equal(t, "ann@example.com", s.Customer.Email)
	require.Equal(t, "ann@example.com", s.Changes().Start.Customer.Email, "the provider is told")

	s, d = c.ask(t, noon, handoff.Customer{UserID: "ann", Email: "new@example.com"})
	require.Nil(t, d)
	require.Equal(t, "new@example.com", s.Customer.Email, "what is said now comes first")

	_, d = c.ask(t, noon, handoff.Customer{UserID: "joe"})
	require.Equal(t, handoff.DeclineEmailRequired, d.Reason, "the default address is nobody's")

	c.agent.Settings.EmailPolicy = handoff.EmailOptional
	s, d = c.ask(t, noon, handoff.Customer{UserID: "joe"})
	require.Nil(t, d)
	require.Empty(t, s.Customer.Email)
	require.Empty(t, s.Changes().Start.Customer.Email)
	require.Equal(t, "desk@example.com", s.Changes().Start.DefaultEmail)
}
