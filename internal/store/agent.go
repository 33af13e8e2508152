package store

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"entgo.io/ent/dialect/sql"

	"github.com/human-handoff/handoff/ent"
	"github.com/human-handoff/handoff/ent/agent"
	"github.com/human-handoff/handoff/ent/connection"
	"github.com/human-handoff/handoff/ent/predicate"
	"github.com/human-handoff/handoff/ent/session"
	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/handoff"
)

// Agent implements handoff.Store and agents.Store.
func (s *Store) Agent(ctx context.Context, id string) (*handoff.Agent, error) {
	row, err := s.read.Agent.Get(ctx, id)
	if err != nil {
		return nil, s.readError(ctx, notFound(err, handoff.ErrAgentNotFound))
	}
	list, err := s.withConnections(ctx, []*ent.Agent{row})
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

// Agents implements agents.Store.
func (s *Store) Agents(ctx context.Context, p handoff.Page) ([]handoff.Agent, string, error) {
	after, err := listAgents.after(p)
	if err != nil {
		return nil, "", err
	}
	rows, err := s.read.Agent.Query().Where(agent.IDGT(after)).Order(agent.ByID()).Limit(pageSize(p) + 1).All(ctx)
	if err != nil {
		return nil, "", s.readError(ctx, err)
	}
	rows, next := cut(listAgents, rows, pageSize(p), func(row *ent.Agent) string { return row.ID })
	list, err := s.withConnections(ctx, rows)
	return list, next, err
}

// withConnections turns rows into agents and adds their current connections.
func (s *Store) withConnections(ctx context.Context, rows []*ent.Agent) ([]handoff.Agent, error) {
	var ids []string
	for _, row := range rows {
		if row.ConnectionID != "" {
			ids = append(ids, row.ConnectionID)
		}
	}
	current := map[string]*handoff.Connection{}
	if len(ids) > 0 {
		found, err := s.read.Connection.Query().Where(connection.IDIn(ids...)).All(ctx)
		if err != nil {
			return nil, s.readError(ctx, err)
		}
		for _, row := range found {
			if current[row.ID], err = toConnection(row); err != nil {
				return nil, err
			}
		}
	}
	list := make([]handoff.Agent, len(rows))
	for i, row := range rows {
		a, err := toAgent(row)
		if err != nil {
			return nil, err
		}
		a.Connection = current[row.ConnectionID]
		list[i] = *a
	}
	return list, nil
}

// UpdateAgent implements agents.Store. When it returns nil, the record that fn
// got carries the versions that were stored. A connection's version rises when
// its configuration does: kind, account, receive token, settings or secrets.
func (s *Store) UpdateAgent(ctx context.Context, id string, fn func(rec *agents.Record) error) error {
	return s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		rec, stored, err := loadRecord(ctx, tx.Client, id)
		if err != nil {
			return err
		}
		version := rec.Agent.Version
		if err := call(func() error { return fn(rec) }); err != nil {
			return err
		}
		if err := writeAgent(ctx, tx.Client, id, &rec.Agent, version); err != nil {
			return err
		}
		if c := rec.Agent.Connection; c != nil {
			if err := writeConnection(ctx, tx.Client, id, c, stored[c.ID]); err != nil {
				return err
			}
		}
		return wipe(ctx, tx.Client, id, rec.WipeConfig)
	})
}

// loadRecord reads an agent for an update, and the rows of its connections by id.
func loadRecord(ctx context.Context, tx *ent.Client, id string) (*agents.Record, map[string]*ent.Connection, error) {
	rec := &agents.Record{Agent: handoff.Agent{ID: id}}
	row, err := tx.Agent.Get(ctx, id)
	if ent.IsNotFound(err) {
		return rec, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	a, err := toAgent(row)
	if err != nil {
		return nil, nil, refuse(err)
	}
	rec.Agent = *a
	rows, err := tx.Connection.Query().Where(connection.AgentID(id)).
		Order(connection.ByCreateTime(), connection.ByID()).All(ctx)
	if err != nil {
		return nil, nil, err
	}
	stored := map[string]*ent.Connection{}
	for _, row := range rows {
		c, err := toConnection(row)
		if err != nil {
			return nil, nil, refuse(err)
		}
		stored[row.ID] = row
		rec.Known = append(rec.Known, *c)
	}
	if row.ConnectionID == "" {
		return rec, stored, nil
	}
	if current := stored[row.ConnectionID]; current != nil {
		// Converted once more, so that the function can change it and still
		// compare it with what is in Known.
		if rec.Agent.Connection, err = toConnection(current); err != nil {
			return nil, nil, refuse(err)
		}
		rec.Agent.Connection.Config = bytes.Clone(current.Config)
	}
	// Not by the agent as well: that would invite the database to go through all
	// the sessions that the agent ever had, instead of the open ones alone.
	rec.OpenSessions, err = tx.Session.Query().
		Where(session.ConnectionID(row.ConnectionID), isOpen()).Count(ctx)
	return rec, stored, err
}

// writeAgent inserts an agent when version is 0, else raises it from there.
func writeAgent(ctx context.Context, tx *ent.Client, id string, a *handoff.Agent, version int64) error {
	settings, err := encodeJSON(a.Settings)
	if err != nil {
		return refuse(err)
	}
	connectionID := ""
	if a.Connection != nil {
		connectionID = a.Connection.ID
	}
	a.ID, a.Version = id, version+1
	if version == 0 {
		err = tx.Agent.Create().SetID(id).SetSettings(settings).SetConnectionID(connectionID).
			SetVersion(a.Version).SetCreateTime(fromTime(a.CreateTime)).Exec(ctx)
	} else {
		err = tx.Agent.Update().Where(agent.ID(id)).SetSettings(settings).SetConnectionID(connectionID).
			SetVersion(a.Version).Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("agent %s: %w", id, err)
	}
	return nil
}

func writeConnection(ctx context.Context, tx *ent.Client, agentID string, c *handoff.Connection, stored *ent.Connection) error {
	secrets, err := encodeJSON(c.SecretsSet)
	if err != nil {
		return err
	}
	status, err := fromStatus(c.Status)
	if err != nil {
		return err
	}
	config := c.Config
	if config == nil {
		config = []byte{} // the column takes no NULL
	}
	version := int64(1)
	if stored == nil {
		err = tx.Connection.Create().SetID(c.ID).SetAgentID(agentID).SetKind(c.Kind).SetAccount(c.Account).
			SetReceiveToken(c.ReceiveToken).SetConfig(config).SetSecretsSet(secrets).
			SetState(string(c.Status.State)).SetStatus(status).
			SetVersion(version).SetCreateTime(fromTime(c.CreateTime)).Exec(ctx)
	} else {
		version = stored.Version
		if c.Kind != stored.Kind || c.Account != stored.Account || c.ReceiveToken != stored.ReceiveToken ||
			secrets != stored.SecretsSet || !bytes.Equal(config, stored.Config) {
			version++
		}
		err = tx.Connection.Update().Where(connection.ID(c.ID)).SetKind(c.Kind).SetAccount(c.Account).
			SetReceiveToken(c.ReceiveToken).SetConfig(config).SetSecretsSet(secrets).
			SetState(string(c.Status.State)).SetStatus(status).
			SetVersion(version).Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("connection %s: %w", c.ID, err)
	}
	c.AgentID, c.Version = agentID, version
	return nil
}

// wipe empties the settings of connections of an agent.
func wipe(ctx context.Context, tx *ent.Client, agentID string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	err := tx.Connection.Update().Where(connection.AgentID(agentID), connection.IDIn(ids...)).
		SetConfig([]byte{}).SetSecretsSet("[]").AddVersion(1).Exec(ctx)
	if err != nil {
		return fmt.Errorf("wiping connections: %w", err)
	}
	return nil
}

// Connection implements agents.Store.
func (s *Store) Connection(ctx context.Context, id string) (*handoff.Connection, error) {
	row, err := s.read.Connection.Get(ctx, id)
	if err != nil {
		return nil, s.readError(ctx, notFound(err, agents.ErrConnectionNotFound))
	}
	return toConnection(row)
}

// ConnectionsByAccount implements agents.Store. There are few connections, and it
// is asked for only what no session of a connection was found for.
func (s *Store) ConnectionsByAccount(ctx context.Context, kind, account string) ([]handoff.Connection, error) {
	rows, err := s.read.Connection.Query().Where(connection.Kind(kind), connection.Account(account)).All(ctx)
	if err != nil {
		return nil, s.readError(ctx, err)
	}
	list := make([]handoff.Connection, 0, len(rows))
	for _, row := range rows {
		c, err := toConnection(row)
		if err != nil {
			return nil, err
		}
		list = append(list, *c)
	}
	return list, nil
}

// ConnectionsByToken implements agents.Store; after the current one come the
// others, the newest first.
func (s *Store) ConnectionsByToken(ctx context.Context, kind, token string) ([]handoff.Connection, error) {
	rows, err := s.read.Connection.Query().Where(connection.Kind(kind), connection.ReceiveToken(token)).
		WithAgent(func(q *ent.AgentQuery) { q.Select(agent.FieldConnectionID) }).
		Order(connection.ByCreateTime(sql.OrderDesc()), connection.ByID(sql.OrderDesc())).All(ctx)
	if err != nil {
		return nil, s.readError(ctx, err)
	}
	var current, others []handoff.Connection
	for _, row := range rows {
		c, err := toConnection(row)
		if err != nil {
			return nil, err
		}
		if row.Edges.Agent.ConnectionID == row.ID {
			current = append(current, *c)
		} else {
			others = append(others, *c)
		}
	}
	return append(current, others...), nil
}

// UpdateConnection implements agents.Store.
func (s *Store) UpdateConnection(ctx context.Context, connectionID string, fn func(c *handoff.Connection) error) error {
	return s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		row, err := tx.Connection.Get(ctx, connectionID)
		if ent.IsNotFound(err) {
			return refuse(agents.ErrConnectionNotFound)
		}
		if err != nil {
			return err
		}
		c, err := toConnection(row)
		if err != nil {
			return refuse(err)
		}
		if err := call(func() error { return fn(c) }); err != nil {
			return err
		}
		secrets, err := encodeJSON(c.SecretsSet)
		if err != nil {
			return refuse(err)
		}
		return tx.Connection.Update().Where(connection.ID(connectionID)).
			SetConfig(c.Config).SetSecretsSet(secrets).SetVersion(row.Version + 1).Exec(ctx)
	})
}

// SetStatus implements agents.Store; agents.ErrConnectionNotFound if there is no
// such connection. A status that stays as it was is not written.
func (s *Store) SetStatus(ctx context.Context, connectionID string, fn func(*handoff.ConnectionStatus)) (changed *handoff.Connection, err error) {
	err = s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		changed = nil
		row, err := tx.Connection.Get(ctx, connectionID)
		if ent.IsNotFound(err) {
			return refuse(agents.ErrConnectionNotFound)
		}
		if err != nil {
			return err
		}
		c, err := toConnection(row)
		if err != nil {
			return refuse(err)
		}
		err = call(func() error { fn(&c.Status); return nil })
		if err != nil {
			return err
		}
		status, err := fromStatus(c.Status)
		if err != nil || status == row.Status && string(c.Status.State) == row.State {
			return refuse(err)
		}
		changed = c
		return tx.Connection.Update().Where(connection.ID(connectionID)).SetState(string(c.Status.State)).SetStatus(status).Exec(ctx)
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

// isUnavailable is the condition of the partial index, word for word.
func isUnavailable() predicate.Connection {
	return func(s *sql.Selector) {
		s.Where(sql.P(func(b *sql.Builder) { b.Ident(s.C(connection.FieldState)).WriteString(" = 'unavailable'") }))
	}
}

// Unavailable implements agents.Store.
func (s *Store) Unavailable(ctx context.Context) ([]handoff.Connection, error) {
	return s.used(ctx, isUnavailable())
}

// Used implements agents.Store.
func (s *Store) Used(ctx context.Context, kinds []string) ([]handoff.Connection, error) {
	return s.used(ctx, connection.KindIn(kinds...))
}

// used returns those of the connections that their agent uses, or sessions that are
// still open.
func (s *Store) used(ctx context.Context, which predicate.Connection) ([]handoff.Connection, error) {
	rows, err := s.read.Connection.Query().Where(which).Order(connection.ByID()).
		WithAgent(func(q *ent.AgentQuery) { q.Select(agent.FieldConnectionID) }).All(ctx)
	if err != nil {
		return nil, s.readError(ctx, err)
	}
	var list []handoff.Connection
	for _, row := range rows {
		if row.Edges.Agent.ConnectionID != row.ID {
			used, err := s.read.Session.Query().Where(session.ConnectionID(row.ID), isOpen()).Exist(ctx)
			if err != nil {
				return nil, s.readError(ctx, err)
			}
			if !used {
				continue
			}
		}
		c, err := toConnection(row)
		if err != nil {
			return nil, err
		}
		list = append(list, *c)
	}
	return list, nil
}

// isCurrent selects the connections that are their agents' current ones.
func isCurrent(s *sql.Selector) {
	s.Where(sql.In(s.C(connection.FieldID), sql.Select(agent.FieldConnectionID).From(sql.Table(agent.Table))))
}

// AgentCounts implements agents.Store.
func (s *Store) AgentCounts(ctx context.Context) ([]agents.AgentCount, error) {
	var counts []agents.AgentCount
	err := s.read.Connection.Query().Where(isCurrent).
		GroupBy(connection.FieldKind, connection.FieldState).Aggregate(ent.As(ent.Count(), "agents")).Scan(ctx, &counts)
	if err != nil {
		return nil, s.readError(ctx, err)
	}
	without, err := s.read.Agent.Query().Where(agent.ConnectionID("")).Count(ctx)
	if err != nil {
		return nil, s.readError(ctx, err)
	}
	if without > 0 {
		counts = append(counts, agents.AgentCount{State: handoff.ServiceNotConfigured, Agents: without})
	}
	return counts, nil
}

// AllowedOrigins implements agents.Store; each origin comes once, in order.
func (s *Store) AllowedOrigins(ctx context.Context) ([]string, error) {
	rows, err := s.read.Agent.Query().Select(agent.FieldSettings).All(ctx)
	if err != nil {
		return nil, s.readError(ctx, err)
	}
	origins := map[string]bool{}
	for _, row := range rows {
		settings, err := decodeJSON[struct {
			AllowedOrigins []string `json:"allowed_origins"`
		}](row.Settings)
		if err != nil {
			return nil, fmt.Errorf("settings of agent %s: %w", row.ID, err)
		}
		for _, origin := range settings.AllowedOrigins {
			origins[origin] = true
		}
	}
	return slices.Sorted(maps.Keys(origins)), nil
}
