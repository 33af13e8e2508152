package store

import (
	"fmt"
	"time"

	"github.com/human-handoff/handoff/ent"
	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/handoff"
)

// fromTime and toTime turn times into microseconds and back; what is finer is
// lost, and the zero time is 0.
func fromTime(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func toTime(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// details is what never changes of a session and is never searched for.
type details struct {
	Customer handoff.Customer  `json:"customer"`
	Question string            `json:"question,omitempty"`
	Reason   string            `json:"reason,omitempty"`
	Priority handoff.Priority  `json:"priority,omitempty"`
	Team     string            `json:"team,omitempty"`
	Tags     []string          `json:"tags,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Limits   handoff.Limits    `json:"limits"`
}

func fromDetails(s *handoff.Session) (string, error) {
	return encodeJSON(details{
		Customer: s.Customer, Question: s.Question, Reason: s.Reason, Priority: s.Priority,
		Team: s.Team, Tags: s.Tags, Metadata: s.Metadata, Limits: s.Limits,
	})
}

// progress is what changes of a session, as its row has it.
type progress struct {
	State       handoff.State
	CloseReason handoff.CloseReason
	Outcome     handoff.Outcome
	Ref         handoff.Ref
	Assignee    string
	AssignNote  string
	Timers      timers
	Prompted    bool
	Activate    int64
	Close       int64
	Last        int64
	Change      int64
	Epoch       int64
}

// next is the sequence of the event that is logged next.
func (p *progress) next() uint64 { return uint64(p.Last) + 1 } //nolint:gosec // not negative

// timers is handoff.Timers in microseconds.
type timers struct{ Wait, Idle, Silence, Expiry, Next int64 }

func fromTimers(t handoff.Timers) timers {
	return timers{fromTime(t.Wait), fromTime(t.Idle), fromTime(t.Silence), fromTime(t.Expiry), fromTime(t.Next())}
}

func fromProgress(s *handoff.Session) progress {
	return progress{
		State: s.State, CloseReason: s.CloseReason, Outcome: s.Outcome, Ref: s.Ref,
		Assignee: s.Assignee, AssignNote: s.AssignNote, Timers: fromTimers(s.Timers), Prompted: s.Prompted,
		Activate: fromTime(s.ActivateTime), Close: fromTime(s.CloseTime),
		Last:   int64(s.LastSequence), //nolint:gosec // checkSequence saw it
		Change: int64(s.Change),       //nolint:gosec // microseconds, or not much more
		Epoch:  int64(s.Epoch),        //nolint:gosec // rises by one at a time
	}
}

func toSession(row *ent.Session) (*handoff.Session, error) {
	d, err := decodeJSON[details](row.Details)
	if err != nil {
		return nil, fmt.Errorf("details of session %s: %w", row.PublicID, err)
	}
	return &handoff.Session{
		ID: row.PublicID, AgentID: row.AgentID, ConversationID: row.ConversationID, RequestID: row.RequestID,
		ConnectionID: row.ConnectionID, Provider: row.Provider,
		State: handoff.State(row.State), CloseReason: handoff.CloseReason(row.CloseReason),
		Outcome:  handoff.Outcome{Disposition: row.OutcomeDisposition, Note: row.OutcomeNote},
		Customer: d.Customer, Question: d.Question, Reason: d.Reason, Priority: d.Priority,
		Team: d.Team, Tags: d.Tags, Metadata: d.Metadata, Limits: d.Limits,
		Ref:      handoff.Ref{ID: row.RefID, Data: row.RefData},
		Assignee: row.Assignee, AssignNote: row.AssignNote,
		Timers: handoff.Timers{
			Wait: toTime(row.WaitDue), Idle: toTime(row.IdleDue), Silence: toTime(row.SilenceDue), Expiry: toTime(row.ExpiryDue),
		},
		Prompted:   row.Prompted,
		CreateTime: toTime(row.CreateTime), ActivateTime: toTime(row.ActivateTime), CloseTime: toTime(row.CloseTime),
		LastSequence: uint64(row.LastSequence), //nolint:gosec // not negative
		Change:       uint64(row.Change),       //nolint:gosec // not negative
		Epoch:        uint64(row.Epoch),        //nolint:gosec // not negative
	}, nil
}

func toDelivery(row *ent.Delivery, sessionID string) handoff.Delivery {
	return handoff.Delivery{
		ID: row.ID, SessionID: sessionID, Kind: handoff.DeliveryKind(row.Kind),
		Sequence:  uint64(row.Sequence), //nolint:gosec // not negative
		MessageID: row.MessageID, State: handoff.DeliveryState(row.State),
		Attempts: row.Attempts, LastAttempt: toTime(row.LastAttempt), NextAttempt: toTime(row.NextAttempt),
		LastError: row.LastError, VendorID: row.VendorID, Degraded: row.Degraded,
		CreateTime: toTime(row.CreateTime), SettleTime: toTime(row.SettleTime),
		ReadTime: toTime(row.ReadTime), RetryTime: toTime(row.RetryTime),
	}
}

// statusOf tells how far a message got by how far its delivery got.
func statusOf(s handoff.DeliveryState) handoff.MessageStatus {
	switch s {
	case handoff.DeliveryDelivered:
		return handoff.MessageDelivered
	case handoff.DeliveryRead:
		return handoff.MessageRead
	case handoff.DeliveryFailed:
		return handoff.MessageFailed
	default:
		return handoff.MessageAccepted
	}
}

// connectionStatus is handoff.ConnectionStatus as JSON. The state is a column
// of its own, for it is searched for.
type connectionStatus struct {
	State         handoff.ServiceState `json:"-"`
	ReasonCode    string               `json:"reason_code,omitempty"`
	Reason        string               `json:"reason,omitempty"`
	MissingFields []string             `json:"missing_fields,omitempty"`
	CheckTime     time.Time            `json:"check_time,omitzero"`
	DegradedSince time.Time            `json:"degraded_since,omitzero"`
}

func fromStatus(s handoff.ConnectionStatus) (string, error) {
	return encodeJSON(connectionStatus(s))
}

func toConnection(row *ent.Connection) (*handoff.Connection, error) {
	status, err := decodeJSON[connectionStatus](row.Status)
	if err != nil {
		return nil, fmt.Errorf("status of connection %s: %w", row.ID, err)
	}
	status.State = handoff.ServiceState(row.State)
	secrets, err := decodeJSON[[]string](row.SecretsSet)
	if err != nil {
		return nil, fmt.Errorf("secrets of connection %s: %w", row.ID, err)
	}
	return &handoff.Connection{
		ID: row.ID, AgentID: row.AgentID, Kind: row.Kind, Account: row.Account, ReceiveToken: row.ReceiveToken,
		Config: row.Config, SecretsSet: secrets, Status: handoff.ConnectionStatus(status),
		Version: row.Version, CreateTime: toTime(row.CreateTime),
	}, nil
}

// toAgent leaves the connection to its caller.
func toAgent(row *ent.Agent) (*handoff.Agent, error) {
	settings, err := decodeJSON[handoff.Settings](row.Settings)
	if err != nil {
		return nil, fmt.Errorf("settings of agent %s: %w", row.ID, err)
	}
	return &handoff.Agent{ID: row.ID, Settings: settings, Version: row.Version, CreateTime: toTime(row.CreateTime)}, nil
}

func toKey(row *ent.Key) auth.Key {
	return auth.Key{
		ID: row.ID, Hash: row.Hash, Scope: auth.Scope(row.Scope), AgentID: row.AgentID, Name: row.Name,
		CreateTime: toTime(row.CreateTime), LastUsedTime: toTime(row.LastUsedTime), RevokeTime: toTime(row.RevokeTime),
	}
}
