package agents

import (
	"context"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
)

// Store keeps agents and their connections.
type Store interface {
	// Agent returns an agent with its current connection; handoff.ErrAgentNotFound if there is none.
	Agent(ctx context.Context, id string) (*handoff.Agent, error)

	// Agents lists agents by id, with their current connections.
	Agents(ctx context.Context, p handoff.Page) (agents []handoff.Agent, nextPageToken string, err error)

	// UpdateAgent loads the agent, a new one if there is none, runs fn and writes
	// in one transaction: the agent with its version raised, and rec.Agent.Connection,
	// when it is not nil, as the current connection (inserted, or updated with
	// its version raised). fn does no I/O and may run more than once.
	UpdateAgent(ctx context.Context, id string, fn func(rec *Record) error) error

	// Connection returns one connection, current or not; ErrConnectionNotFound if there is none.
	Connection(ctx context.Context, id string) (*handoff.Connection, error)

	// ConnectionsByToken returns the connections of a kind behind a receive
	// token, the current one first; none for an unknown token.
	ConnectionsByToken(ctx context.Context, kind, token string) ([]handoff.Connection, error)

	// ConnectionsByAccount returns the connections of a kind to an account.
	ConnectionsByAccount(ctx context.Context, kind, account string) ([]handoff.Connection, error)

	// SetStatus loads a connection's status, runs fn and writes it. It returns the
	// connection with its new status, nil when nothing changed. fn may run more than once.
	SetStatus(ctx context.Context, connectionID string, fn func(*handoff.ConnectionStatus)) (*handoff.Connection, error)

	// UpdateConnection loads a connection, current or not, runs fn and writes its
	// configuration and the names of its secrets, with its version raised; the
	// agent's version stays. fn does no I/O and may run more than once; its error is
	// returned and nothing is written. ErrConnectionNotFound if there is none.
	UpdateConnection(ctx context.Context, connectionID string, fn func(c *handoff.Connection) error) error

	// Unavailable returns the connections that are UNAVAILABLE and used: by their
	// agent, or by sessions that are still open.
	Unavailable(ctx context.Context) ([]handoff.Connection, error)

	// Used returns the connections of some kinds that are used, in the same sense,
	// ordered by id.
	Used(ctx context.Context, kinds []string) ([]handoff.Connection, error)

	// AgentCounts counts the agents by the kind and the state of their current connection.
	AgentCounts(ctx context.Context) ([]AgentCount, error)

	// Quarantine keeps a webhook that could not be understood; a repeat of one that
	// is kept is counted.
	Quarantine(ctx context.Context, q Quarantined) error

	// Quarantined lists what is kept and has not expired by now, the newest first.
	Quarantined(ctx context.Context, f QuarantineFilter, now time.Time, p handoff.Page) (list []Quarantined, nextPageToken string, err error)

	// SetQuarantineReason notes why a kept webhook still cannot be taken.
	SetQuarantineReason(ctx context.Context, id int64, reason string) error

	// Unquarantine forgets a kept webhook.
	Unquarantine(ctx context.Context, id int64) error

	// AllowedOrigins returns all origins that any agent allows.
	AllowedOrigins(ctx context.Context) ([]string, error)
}

// Record is an agent as UpdateAgent loads it.
type Record struct {
	Agent        handoff.Agent        // Version 0 = not stored yet
	Known        []handoff.Connection // all the agent ever had, the current one included
	OpenSessions int                  // of the current connection
	WipeConfig   []string             // ids of connections whose Config and SecretsSet are to be emptied
}

// AgentCount is how many agents have a provider of one kind in one state; no
// kind for those without a provider.
type AgentCount struct {
	Kind   string               `json:"kind"`
	State  handoff.ServiceState `json:"state"`
	Agents int                  `json:"agents"`
}

// ErrConnectionNotFound is returned for an id that no connection has.
var ErrConnectionNotFound = &handoff.Error{Code: handoff.CodeNotFound, Reason: "CONNECTION_NOT_FOUND", Message: "there is no connection with this id"}
