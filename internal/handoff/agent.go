package handoff

import "time"

// Agent is an AI agent as its operator configured it.
type Agent struct {
	ID         string
	Settings   Settings    // without defaults, as given
	Connection *Connection // the current one; nil when no provider is configured
	Version    int64       // rises with each change; the etag
	CreateTime time.Time
}

// Connection is an account at a provider that an agent uses. A session keeps
// the one with which it began.
type Connection struct {
	ID           string
	AgentID      string
	Kind         string
	Account      string   // what tells one account of the kind from another, as an URL; no secret
	ReceiveToken string   // the secret part of the receive URL, the same for each of (agent, kind)
	Config       []byte   // the provider's settings, sealed
	SecretsSet   []string // names of the secret fields that are set
	Status       ConnectionStatus
	Version      int64 // rises with each change of the configuration
	CreateTime   time.Time
}

// ServiceState is the service status of an agent.
type ServiceState string

// The service states.
const (
	ServiceNotConfigured ServiceState = "not_configured"
	ServiceAvailable     ServiceState = "available"
	ServiceUnavailable   ServiceState = "unavailable"
)

// Reason codes of a connection that is not available.
const (
	ReasonCredentials = "CREDENTIALS" // the provider refused them
	ReasonUnreachable = "UNREACHABLE" // it did not answer, or not as it should
	ReasonIncomplete  = "INCOMPLETE"  // settings are missing
	ReasonConsent     = "CONSENT"     // somebody has to agree at the provider first
)

// ConnectionStatus is what is known of a connection.
type ConnectionStatus struct {
	State         ServiceState
	ReasonCode    string
	Reason        string
	MissingFields []string
	CheckTime     time.Time
	DegradedSince time.Time // zero = it works
}

// FeedState tells how an agent's event webhook fares; empty if it has none.
type FeedState string

// The states of an event webhook.
const (
	FeedActive   FeedState = "active"
	FeedFailing  FeedState = "failing"  // each call has failed for a while
	FeedDisabled FeedState = "disabled" // nothing goes out until it is set again
)

// Status returns the agent's service status.
func (a *Agent) Status() ConnectionStatus {
	if a.Connection == nil {
		return ConnectionStatus{State: ServiceNotConfigured, Reason: "no provider is configured"}
	}
	return a.Connection.Status
}
