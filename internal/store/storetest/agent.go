package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/hours"
)

func fullConnection(id, kind string) *handoff.Connection {
	return &handoff.Connection{
		ID: id, Kind: kind, Account: "https://desk.example", ReceiveToken: "token-" + kind,
		Config: []byte{0, 1, 255}, SecretsSet: []string{"password"},
		Status: handoff.ConnectionStatus{
			State: handoff.ServiceUnavailable, ReasonCode: handoff.ReasonIncomplete, Reason: "no", MissingFields: []string{"url"},
			CheckTime: at(1), DegradedSince: at(2),
		},
		CreateTime: at(0),
	}
}

// configure makes c the current connection of an agent; nil takes it away.
func configure(t *testing.T, s Store, agentID string, c *handoff.Connection) {
	t.Helper()
	require.NoError(t, s.UpdateAgent(t.Context(), agentID, func(rec *agents.Record) error {
		rec.Agent.Connection = c
		return nil
	}))
}

func agentOf(t *testing.T, s Store, id string) *handoff.Agent {
	t.Helper()
	a, err := s.Agent(t.Context(), id)
	require.NoError(t, err)
	return a
}

func setState(t *testing.T, s Store, id string, state handoff.ServiceState) {
	t.Helper()
	_, err := s.SetStatus(t.Context(), id, func(st *handoff.ConnectionStatus) { st.State = state })
	require.NoError(t, err)
}

func connectionIDs(list []handoff.Connection) (ids []string) {
	for _, c := range list {
		ids = append(ids, c.ID)
	}
	return ids
}

var agentTests = map[string]func(t *testing.T, db Database){
	"AgentUnknown": func(t *testing.T, db Database) {
		s := db.Open(t)
		_, err := s.Agent(t.Context(), "nobody")
		require.ErrorIs(t, err, handoff.ErrAgentNotFound)
		_, err = s.Connection(t.Context(), "nobody")
		require.ErrorIs(t, err, agents.ErrConnectionNotFound)
		_, err = s.SetStatus(t.Context(), "nobody", func(*handoff.ConnectionStatus) {})
		require.ErrorIs(t, err, agents.ErrConnectionNotFound)
	},

	"AgentKeepsEveryField": func(t *testing.T, db Database) {
		s := db.Open(t)
		enabled, rounds := false, int32(0)
		settings := handoff.Settings{
			Enabled: &enabled, TranscriptRounds: &rounds, WaitTimeout: handoff.WaitTimeout(time.Minute),
			ServicePeriods: []hours.Period{{Days: []time.Weekday{time.Monday}, Start: "09:00", End: "17:00"}},
			Texts:          map[string]handoff.Texts{"de": {Disabled: "geschlossen"}},
			AllowedOrigins: []string{"https://shop.example"}, Redaction: handoff.Redaction{Emails: true, Patterns: []string{`\d+`}},
		}
		var loaded agents.Record
		var stored *agents.Record
		require.NoError(t, s.UpdateAgent(t.Context(), "a", func(rec *agents.Record) error {
			loaded = *rec
			rec.Agent.Settings, rec.Agent.CreateTime = settings, at(0)
			rec.Agent.Connection = fullConnection("c1", "webhook")
			stored = rec
			return nil
		}))
		require.Equal(t, agents.Record{Agent: handoff.Agent{ID: "a"}}, loaded)
		connection := fullConnection("c1", "webhook")
		connection.AgentID, connection.Version = "a", 1
		want := &handoff.Agent{ID: "a", Settings: settings, Connection: connection, Version: 1, CreateTime: at(0)}
		require.Equal(t, want, agentOf(t, s, "a"))
		require.Equal(t, *want, stored.Agent, "the caller's record tells what was stored")
		c, err := s.Connection(t.Context(), "c1")
		require.NoError(t, err)
		require.Equal(t, connection, c)
	},

	"AgentVersionsRise": func(t *testing.T, db Database) {
		s := db.Open(t)
		configure(t, s, "a", fullConnection("c1", "webhook"))
		touch := func(fn func(c *handoff.Connection)) (agent, connection int64) {
			require.NoError(t, s.UpdateAgent(t.Context(), "a", func(rec *agents.Record) error {
				fn(rec.Agent.Connection)
				return nil
			}))
			a := agentOf(t, s, "a")
			return a.Version, a.Connection.Version
		}
		for i, c := range []struct {
			change func(c *handoff.Connection)
			want   int64
		}{
			{func(*handoff.Connection) {}, 1},
			{func(c *handoff.Connection) { c.Status.Reason = "another" }, 1},
			{func(c *handoff.Connection) { c.Config[0]++ }, 2},
			{func(c *handoff.Connection) { c.SecretsSet = nil }, 3},
			{func(c *handoff.Connection) { c.Account = "https://other.example" }, 4},
			{func(c *handoff.Connection) { c.ReceiveToken = "other" }, 5},
			{func(c *handoff.Connection) { c.Version = 99; c.Kind = "other" }, 6},
		} {
			agent, connection := touch(c.change)
			require.EqualValues(t, i+2, agent)
			require.Equal(t, c.want, connection, "change %d", i)
		}
	},

	"ConnectionUpdates": func(t *testing.T, db Database) {
		s := db.Open(t)
		configure(t, s, "a", fullConnection("c1", "webhook"))
		before := agentOf(t, s, "a")
		refused := errors.New("refused")
		require.ErrorIs(t, s.UpdateConnection(t.Context(), "c1", func(c *handoff.Connection) error {
			c.Config = []byte("lost")
			return refused
		}), refused)
		require.NoError(t, s.UpdateConnection(t.Context(), "c1", func(c *handoff.Connection) error {
			c.Config, c.SecretsSet = []byte("renewed"), []string{"refresh_token"}
			return nil
		}))
		want := before
		want.Connection.Config, want.Connection.SecretsSet = []byte("renewed"), []string{"refresh_token"}
		want.Connection.Version++
		require.Equal(t, want, agentOf(t, s, "a"), "the agent's own version stays")
		err := s.UpdateConnection(t.Context(), "other", func(*handoff.Connection) error { return nil })
		require.ErrorIs(t, err, agents.ErrConnectionNotFound)
	},

	"AgentChangesItsConnection": func(t *testing.T, db Database) {
		s := db.Open(t)
		configure(t, s, "a", fullConnection("c1", "webhook"))
		second := fullConnection("c2", "slack")
		second.CreateTime = at(10)
		configure(t, s, "a", second)
		require.Equal(t, "c2", agentOf(t, s, "a").Connection.ID)
		c, err := s.Connection(t.Context(), "c1")
		require.NoError(t, err, "sessions may still use it")
		current := agentOf(t, s, "a").Connection
		var known []handoff.Connection
		require.NoError(t, s.UpdateAgent(t.Context(), "a", func(rec *agents.Record) error {
			rec.Agent.Connection.Config[0] = 7 // shares nothing with what is known
			known = slices.Clone(rec.Known)
			if len(known) > 0 {
				rec.Agent.Connection = &rec.Known[0] // back to the old one
			}
			return nil
		}))
		require.Equal(t, []handoff.Connection{*c, *current}, known)
		require.Equal(t, "c1", agentOf(t, s, "a").Connection.ID)
		require.EqualValues(t, 1, agentOf(t, s, "a").Connection.Version)
		configure(t, s, "a", nil)
		require.Nil(t, agentOf(t, s, "a").Connection)
	},

	"AgentErrorWritesNothing": func(t *testing.T, db Database) {
		s := db.Open(t)
		failure := errors.New("no")
		require.Equal(t, failure, s.UpdateAgent(t.Context(), "a", func(rec *agents.Record) error {
			rec.Agent.Connection = fullConnection("c1", "webhook")
			return failure
		}))
		_, err := s.Agent(t.Context(), "a")
		require.ErrorIs(t, err, handoff.ErrAgentNotFound)
	},

	"AgentCountsOpenSessions": func(t *testing.T, db Database) {
		s := db.Open(t)
		connection := fullConnection("connection", "webhook")
		configure(t, s, "agent", connection)
		for _, id := range []string{"s1", "s2", "s3"} {
			create(t, s, id)
		}
		closeSession(t, s, "s2")
		open := -1
		count := func(rec *agents.Record) error { open = rec.OpenSessions; return nil }
		require.NoError(t, s.UpdateAgent(t.Context(), "agent", count))
		require.Equal(t, 2, open)
		configure(t, s, "agent", fullConnection("other", "webhook"))
		require.NoError(t, s.UpdateAgent(t.Context(), "agent", count))
		require.Zero(t, open, "of the current connection alone")
	},

	"AgentWipesConfigurations": func(t *testing.T, db Database) {
		s := db.Open(t)
		configure(t, s, "a", fullConnection("c1", "webhook"))
		configure(t, s, "b", fullConnection("c2", "webhook"))
		require.NoError(t, s.UpdateAgent(t.Context(), "a", func(rec *agents.Record) error {
			rec.WipeConfig = []string{"c1", "c2"}
			rec.Agent.Connection = nil
			return nil
		}))
		c, err := s.Connection(t.Context(), "c1")
		require.NoError(t, err)
		require.Empty(t, c.Config)
		require.Empty(t, c.SecretsSet)
		require.EqualValues(t, 2, c.Version)
		c, err = s.Connection(t.Context(), "c2")
		require.NoError(t, err)
		require.NotEmpty(t, c.Config, "it belongs to another agent")
	},

	"AgentRace": func(t *testing.T, db Database) {
		s := db.Open(t)
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				_ = s.UpdateAgent(t.Context(), "a", func(rec *agents.Record) error {
					rec.Agent.Settings.AllowedOrigins = append(rec.Agent.Settings.AllowedOrigins, fmt.Sprint(i))
					return nil
				})
			})
		}
		wg.Wait()
		require.EqualValues(t, 50, agentOf(t, s, "a").Version)
		require.Len(t, agentOf(t, s, "a").Settings.AllowedOrigins, 50)
	},

	"AgentsComeWithTheirConnections": func(t *testing.T, db Database) {
		s := db.Open(t)
		configure(t, s, "b", fullConnection("c1", "webhook"))
		configure(t, s, "a", nil)
		configure(t, s, "c", fullConnection("c2", "slack"))
		list, next, err := s.Agents(t.Context(), handoff.Page{})
		require.NoError(t, err)
		require.Empty(t, next)
		require.Equal(t, []handoff.Agent{*agentOf(t, s, "a"), *agentOf(t, s, "b"), *agentOf(t, s, "c")}, list)
	},

	"ConnectionsByToken": func(t *testing.T, db Database) {
		s := db.Open(t)
		for i, id := range []string{"c1", "c2", "c3"} {
			c := fullConnection(id, "webhook")
			c.CreateTime = at(i)
			configure(t, s, "a", c)
		}
		configure(t, s, "a", fullConnection("s1", "slack"))
		ids := func(kind, token string) (ids []string) {
			list, err := s.ConnectionsByToken(t.Context(), kind, token)
			require.NoError(t, err)
			for _, c := range list {
				ids = append(ids, c.ID)
			}
			return ids
		}
		require.Equal(t, []string{"c3", "c2", "c1"}, ids("webhook", "token-webhook"))
		require.NoError(t, s.UpdateAgent(t.Context(), "a", func(rec *agents.Record) error {
			for i := range rec.Known {
				if rec.Known[i].ID == "c2" {
					rec.Agent.Connection = &rec.Known[i]
				}
			}
			return nil
		}))
		require.Equal(t, []string{"c2", "c3", "c1"}, ids("webhook", "token-webhook"))
		require.Empty(t, ids("slack", "token-webhook"))
		require.Empty(t, ids("webhook", "unknown"))
	},

	"SetStatus": func(t *testing.T, db Database) {
		s := db.Open(t)
		configure(t, s, "a", fullConnection("c1", "webhook"))
		status := handoff.ConnectionStatus{State: handoff.ServiceAvailable, CheckTime: at(9)}
		var loaded handoff.ConnectionStatus
		changed, err := s.SetStatus(t.Context(), "c1", func(st *handoff.ConnectionStatus) {
			loaded, *st = *st, status
		})
		require.NoError(t, err)
		require.Equal(t, "a", changed.AgentID)
		require.Equal(t, status, changed.Status)
		require.Equal(t, fullConnection("c1", "webhook").Status, loaded)
		require.Equal(t, status, agentOf(t, s, "a").Status())
		require.EqualValues(t, 1, agentOf(t, s, "a").Connection.Version, "the configuration is the same")
		changed, err = s.SetStatus(t.Context(), "c1", func(*handoff.ConnectionStatus) {})
		require.NoError(t, err)
		require.Nil(t, changed, "it stayed as it was")
		_, err = s.SetStatus(t.Context(), "c1", func(*handoff.ConnectionStatus) { panic("a bug") })
		require.ErrorContains(t, err, "a bug")
		require.Equal(t, status, agentOf(t, s, "a").Status())
	},

	"Unavailable": func(t *testing.T, db Database) {
		s := db.Open(t)
		for agent, id := range map[string]string{"a": "c1", "b": "c2", "c": "c3"} {
			configure(t, s, agent, fullConnection(id, "webhook"))
			setState(t, s, id, handoff.ServiceUnavailable)
		}
		setState(t, s, "c3", handoff.ServiceAvailable)
		list, err := s.Unavailable(t.Context())
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"c1", "c2"}, connectionIDs(list))

		configure(t, s, "a", fullConnection("c4", "webhook"))
		setState(t, s, "c4", handoff.ServiceAvailable)
		list, err = s.Unavailable(t.Context())
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"c2"}, connectionIDs(list), "c1 is nobody's any more")

		used, err := s.Used(t.Context(), []string{"webhook", "desk"})
		require.NoError(t, err)
		require.Equal(t, []string{"c2", "c3", "c4"}, connectionIDs(used), "whatever their state, by id, and c1 is nobody's any more")
		used, err = s.Used(t.Context(), []string{"desk"})
		require.NoError(t, err)
		require.Empty(t, used, "of these kinds alone")

		counts, err := s.AgentCounts(t.Context())
		require.NoError(t, err)
		require.ElementsMatch(t, []agents.AgentCount{
			{Kind: "webhook", State: handoff.ServiceAvailable, Agents: 2},
			{Kind: "webhook", State: handoff.ServiceUnavailable, Agents: 1},
		}, counts)
	},

	"AllowedOrigins": func(t *testing.T, db Database) {
		s := db.Open(t)
		origins, err := s.AllowedOrigins(t.Context())
		require.NoError(t, err)
		require.Empty(t, origins)
		for agent, allowed := range map[string][]string{"a": {"https://b", "https://a"}, "b": {"https://a", "https://c"}, "c": nil} {
			require.NoError(t, s.UpdateAgent(t.Context(), agent, func(rec *agents.Record) error {
				rec.Agent.Settings.AllowedOrigins = allowed
				return nil
			}))
		}
		origins, err = s.AllowedOrigins(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"https://a", "https://b", "https://c"}, origins)
	},
}
