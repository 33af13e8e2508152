package handoff_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/hours"
	"github.com/human-handoff/handoff/internal/wake"
)

// counter is a store of one agent, without sessions but for the open one; what is
// created is not kept.
type counter struct {
	handoff.Store

	agent  *handoff.Agent
	emails map[string]string // by user
	open   *handoff.Session
}

func (c *counter) Agent(_ context.Context, id string) (*handoff.Agent, error) {
	if c.agent == nil || c.agent.ID != id {
		return nil, handoff.ErrAgentNotFound
	}
	return c.agent, nil
}

func (c *counter) KnownEmail(_ context.Context, _, userID string) (string, error) {
	return c.emails[userID], nil
}

func (c *counter) FindSession(context.Context, handoff.ConversationKey, string) (*handoff.Session, error) {
	if c.open == nil {
		return nil, handoff.ErrSessionNotFound
	}
	return c.open, nil
}

func (c *counter) Create(
	_ context.Context, _ handoff.ConversationKey, _ string, fn func(uint64) (*handoff.Session, error),
) (*handoff.Session, bool, error) {
	s, err := fn(0)
	return s, true, err
}

// service returns a Service whose clock stands still.
func (c *counter) service(now time.Time, caps handoff.Capabilities) *handoff.Service {
	return handoff.NewService(handoff.Config{
		Store: c, Waker: wake.NewHub(), NewID: func(prefix string) string { return prefix + "_1" },
		Capabilities: func(string) handoff.Capabilities { return caps }, Now: func() time.Time { return now },
	})
}

func agentWith(state handoff.ServiceState, s handoff.Settings) *handoff.Agent {
	return &handoff.Agent{
		ID: "shop", Settings: s,
		Connection: &handoff.Connection{ID: "con", Kind: "webhook", Status: handoff.ConnectionStatus{State: state}},
	}
}

// ask requests a handoff of the agent "shop" as a customer.
func (c *counter) ask(t *testing.T, now time.Time, customer handoff.Customer) (*handoff.Session, *handoff.Declined) {
	t.Helper()
	s, d, err := c.service(now, handoff.Capabilities{}).RequestHandoff(t.Context(), handoff.Request{
		Conversation: handoff.ConversationKey{AgentID: "shop", ConversationID: "chat"},
		Start:        handoff.Start{Customer: customer, Question: "help"},
	})
	require.NoError(t, err)
	return s, d
}

// noon is a Thursday.
var noon = time.Date(2024, 12, 12, 12, 0, 0, 0, time.UTC)

func on(day time.Weekday, start, end string) hours.Period {
	return hours.Period{Days: []time.Weekday{day}, Start: start, End: end}
}

// Each step takes the reason away that the one before was declined for, and leaves
// all that are checked later.
func TestDeclineReasonsInTheirOrder(t *testing.T) {
	t.Parallel()
	closed := handoff.Settings{Enabled: new(false), ServicePeriods: []hours.Period{on(time.Thursday, "13:00", "14:00")}}
	enabled, open := closed, closed
	enabled.Enabled = nil
	open.Enabled, open.ServicePeriods = nil, nil
	for _, step := range []struct {
		desc  string
		agent *handoff.Agent
		email string
		want  handoff.DeclineReason
	}{
		{"an agent that nobody configured", nil, "", handoff.DeclineNotConfigured},
		{"settings alone", &handoff.Agent{ID: "shop", Settings: closed}, "", handoff.DeclineNotConfigured},
		{"an incomplete provider", agentWith(handoff.ServiceNotConfigured, closed), "", handoff.DeclineNotConfigured},
		{"turned off", agentWith(handoff.ServiceUnavailable, closed), "", handoff.DeclineDisabled},
		{"too early", agentWith(handoff.ServiceUnavailable, enabled), "", handoff.DeclineOutOfPeriod},
		{"nobody answers", agentWith(handoff.ServiceUnavailable, open), "", handoff.DeclineUnavailable},
		{"nobody is known", agentWith(handoff.ServiceAvailable, open), "", handoff.DeclineEmailRequired},
		{"nothing is against it", agentWith(handoff.ServiceAvailable, open), "ann@example.com", ""},
	} {
		t.Run(step.desc, func(t *testing.T) {
			t.Parallel()
			s, d := (&counter{agent: step.agent}).ask(t, noon, handoff.Customer{Email: step.email})
			if step.want == "" {
				require.Nil(t, d)
				require.Equal(t, "ann@example.com", s.Customer.Email)
				return
			}
			require.Nil(t, s)
			require.Equal(t, step.want, d.Reason)
			require.Equal(t, handoff.Settings{}.TextsFor("").Declined(step.want), d.Reply)
			require.NotEmpty(t, d.Reply)
			require.Equal(t, step.want == handoff.DeclineOutOfPeriod, !d.NextOpenTime.IsZero(), "only the schedule knows when")
		})
	}
}

func TestDeclineTellsTheNextOpening(t *testing.T) {
	t.Parallel()
	vienna, err := time.LoadLocation("Europe/Vienna")
	require.NoError(t, err)
	in := func(day, hour, minute int) time.Time { return time.Date(2024, 12, day, hour, minute, 0, 0, vienna) }
	night := []hours.Period{on(time.Thursday, "22:00", "02:00")}
	for _, test := range []struct {
		desc    string
		now     time.Time
		periods []hours.Period
		closed  []string
		open    bool
		next    time.Time // zero: never
	}{
		{"a minute before", in(12, 8, 59), []hours.Period{on(time.Thursday, "09:00", "12:00")}, nil, false, in(12, 9, 0)},
		{"the first minute is in", in(12, 9, 0), []hours.Period{on(time.Thursday, "09:00", "12:00")}, nil, true, time.Time{}},
		{"the end is out", in(12, 12, 0), []hours.Period{on(time.Thursday, "09:00", "12:00")}, nil, false, in(19, 9, 0)},
		{"windows that touch leave no gap", in(12, 12, 0), []hours.Period{on(time.Thursday, "09:00", "12:00"), on(time.Thursday, "12:00", "13:00")}, nil, true, time.Time{}},
		{"after midnight the evening goes on", in(13, 1, 59), night, nil, true, time.Time{}},
		{"and ends", in(13, 2, 0), night, nil, false, in(19, 22, 0)},
		{"a closed date", in(12, 10, 0), []hours.Period{on(time.Thursday, "09:00", "12:00")}, []string{"2024-12-12"}, false, in(19, 9, 0)},
		{"a closed date when service never ends", in(12, 10, 0), nil, []string{"12-12"}, false, in(13, 0, 0)},
		{"a date that adds to the week", in(12, 10, 0), []hours.Period{on(time.Thursday, "09:00", "09:30"), {Date: "2024-12-14", Start: "10:00", End: "11:00"}}, nil, false, in(14, 10, 0)},
		{"never again", in(12, 10, 0), []hours.Period{{Date: "2024-12-11", Start: "10:00", End: "11:00"}}, nil, false, time.Time{}},
	} {
		t.Run(test.desc, func(t *testing.T) {
			t.Parallel()
			settings := handoff.Settings{TimeZone: "Europe/Vienna", ServicePeriods: test.periods}
			for _, date := range test.closed {
				settings.ClosedDates = append(settings.ClosedDates, hours.ClosedDate{Date: date})
			}
			c := &counter{agent: agentWith(handoff.ServiceAvailable, settings)}
			s, d := c.ask(t, test.now.UTC(), handoff.Customer{Email: "ann@example.com"})
			if test.open {
				require.NotNil(t, s)
				return
			}
			require.Equal(t, handoff.DeclineOutOfPeriod, d.Reason)
			require.True(t, d.NextOpenTime.Equal(test.next), "%s", d.NextOpenTime)
		})
	}
}

func TestAnOpenSessionComesBeforeTheSchedule(t *testing.T) {
	t.Parallel()
	open := newSession()
	c := &counter{open: open, agent: agentWith(handoff.ServiceUnavailable, handoff.Settings{
		Enabled: new(false), ServicePeriods: []hours.Period{on(time.Monday, "09:00", "12:00")},
	})}
	s, d := c.ask(t, noon, handoff.Customer{})
	require.Nil(t, d)
	require.Same(t, open, s)
}

func TestTheReplyIsInTheCustomersLanguage(t *testing.T) {
	t.Parallel()
	c := &counter{agent: agentWith(handoff.ServiceAvailable, handoff.Settings{
		ServicePeriods: []hours.Period{on(time.Monday, "09:00", "12:00")},
		Texts:          map[string]handoff.Texts{"de": {OutOfPeriod: "Montag wieder."}},
	})}
	for locale, want := range map[string]string{
		"de-AT": "Montag wieder.", "zh-Hans-CN": handoff.Settings{}.TextsFor("zh").OutOfPeriod, "fr": handoff.Settings{}.TextsFor("en").OutOfPeriod,
	} {
		_, d := c.ask(t, noon, handoff.Customer{Locale: locale})
		require.Equal(t, want, d.Reply, locale)
	}
}

func TestNeedsEmail(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		policy   handoff.EmailPolicy
		insists  bool // the provider
		fallback string
		want     bool
	}{
		{"", false, "", true}, // as required
		{handoff.EmailRequired, false, "", true},
		{handoff.EmailRequired, false, "desk@example.com", true},
		{handoff.EmailRequired, true, "desk@example.com", true},
		{handoff.EmailOptional, false, "", false},
		{handoff.EmailOptional, true, "", false},
		{handoff.EmailProvider, false, "", false},
		{handoff.EmailProvider, true, "", true},
		{handoff.EmailProvider, true, "desk@example.com", false},
	} {
		s := handoff.Settings{EmailPolicy: test.policy, DefaultEmail: test.fallback}.WithDefaults()
		require.Equal(t, test.want, s.NeedsEmail(handoff.Capabilities{NeedsEmail: test.insists}), "%+v", test)
	}
}
