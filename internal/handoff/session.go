package handoff

import (
	"slices"
	"time"
)

// State is where a session stands. States only move forward.
type State string

// The states of a session.
const (
	StateRequested State = "requested" // asked for; the provider has not taken it yet
	StateWaiting   State = "waiting"   // the provider took it; no human has spoken
	StateActive    State = "active"    // a human has spoken
	StateClosed    State = "closed"
)

// CloseReason says who or what ended a session.
type CloseReason string

// The reasons for a close.
const (
	ClosedByCustomer       CloseReason = "customer"
	ClosedByOperator       CloseReason = "operator"
	ClosedByHuman          CloseReason = "human"
	ClosedByWaitTimeout    CloseReason = "wait_timeout"
	ClosedBySessionTimeout CloseReason = "session_timeout"
	ClosedByProvider       CloseReason = "provider_failed"
	ClosedByExpiry         CloseReason = "expired"
)

// Outcome is what the side that closed left for the agent.
type Outcome struct {
	Disposition string `json:"disposition,omitempty"`
	Note        string `json:"note,omitempty"`
}

// Owner says who may speak to the customer.
type Owner string

// The owners of a conversation.
const (
	OwnerBot     Owner = "bot"
	OwnerWaiting Owner = "waiting"
	OwnerHuman   Owner = "human"
)

// Session is one handoff: the aggregate. Its methods are the only way to
// change it; they record what has to be written in [Session.Changes].
type Session struct {
	ID             string
	AgentID        string
	ConversationID string
	RequestID      string // the caller's, empty if it gave none
	ConnectionID   string // the provider connection with which it began
	Provider       string // the connection's kind

	State       State
	CloseReason CloseReason
	Outcome     Outcome
	Customer    Customer
	Question    string
	Reason      string
	Priority    Priority
	Team        string
	Tags        []string
	Metadata    map[string]string
	Ref         Ref
	Assignee    string // the human who has it, at a desk that tells
	AssignNote  string // what a colleague wrote for the assignee; not for the customer

	CreateTime   time.Time
	ActivateTime time.Time
	CloseTime    time.Time
	LastSequence uint64
	Change       uint64 // place of its latest change in the order of all sessions' changes; given by the store
	Epoch        uint64 // of the conversation; rises with each change of owner

	Limits   Limits
	Timers   Timers
	Prompted bool // a wait prompt is open

	// Repeat is set by the store when the key of this update was used before.
	Repeat *Repeat

	changes Changes
}

// Repeat tells what an earlier update under the same key led to.
type Repeat struct {
	Message *Message // with its status of now; nil when it made none
}

// outlived reports whether the key stands for something new by now.
func (r *Repeat) outlived(window time.Duration, now time.Time) bool {
	return window > 0 && r.Message != nil && now.Sub(r.Message.Time) > window
}

// Changes is what a session's commands have recorded since it was loaded.
type Changes struct {
	Events     []Event
	Deliveries []Delivery // new ones
	Start      *Start     // of a new session
	Settled    []Delivery // known ones with their new state
	Failures   []FailedAttempt
	Reported   []Delivery // settled ones of which the provider told more
	Retried    []Delivery // failed ones that are sent again
	Late       []LateMessage
	Attached   []string // ids of files that a message uses from now on
	Expected   []File   // new ones, whose content has to be fetched
	Arrived    []File   // expected ones with their new state
	Touched    bool     // something changed, though nothing was logged
	KeySeq     uint64   // the event that the update's key stands for; 0 = none
	Rekey      bool     // the key stood for an event of before
}

// LateMessage is a human's message that came after the close. It is kept, not shown.
type LateMessage struct {
	SessionID  string
	AuthorName string
	Text       string
	Time       time.Time

	CloseReason CloseReason // of the session; known when it is listed
	CloseTime   time.Time
}

// Changes returns what has been recorded and has to be written.
func (s *Session) Changes() *Changes { return &s.changes }

// Changed reports whether there is anything to write.
func (s *Session) Changed() bool {
	c := &s.changes
	return c.Touched || len(c.Events)+len(c.Deliveries)+len(c.Settled)+len(c.Reported)+len(c.Retried)+len(c.Late)+len(c.Arrived) > 0
}

// Owner returns who may speak to the customer while this session is the
// conversation's latest.
func (s *Session) Owner() Owner {
	switch s.State {
	case StateRequested, StateWaiting:
		return OwnerWaiting
	case StateActive:
		return OwnerHuman
	default:
		return OwnerBot
	}
}

// NewSession opens a session: the log begins with REQUESTED, and the lane with
// the start. It rises above the epoch that the conversation had before.
func NewSession(s Session, start Start, previousEpoch uint64, now time.Time) *Session {
	s.Epoch = previousEpoch
	s.CreateTime = now
	s.changes = Changes{Start: &start}
	s.move(StateRequested, now)
	s.Timers.Wait = now.Add(time.Duration(s.Limits.Wait))
	s.Timers.Expiry = now.Add(s.Limits.Longest)
	s.deliver(Delivery{Kind: DeliverStart}, now)
	return &s
}

// Accept takes a customer's message for the provider. A repeat returns the
// first message, in any state; a closed session takes no new one.
func (s *Session) Accept(m Message, now time.Time) (Message, error) {
	if s.Repeat != nil && s.Repeat.Message != nil {
		return *s.Repeat.Message, nil
	}
	if s.State == StateClosed {
		return Message{}, ErrSessionClosed
	}
	m.Author, m.Status, m.Time = AuthorCustomer, MessageAccepted, now
	s.use(m.Attachments)
	seq := s.log(MessageLogged{Message: m}, now)
	s.changes.KeySeq = seq
	s.customerSpoke(now)
	s.deliver(Delivery{Kind: DeliverMessage, Sequence: seq, MessageID: m.ID}, now)
	return m, nil
}

// Close ends the session; closing it again changes nothing. Unless the human
// closed, or the provider never took the session, the provider is told.
func (s *Session) Close(reason CloseReason, outcome Outcome, now time.Time) {
	if s.end(reason, outcome, now) && reason != ClosedByHuman && reason != ClosedByProvider {
		s.deliver(Delivery{Kind: DeliverClose}, now)
	}
}

// end ends the session without telling the provider. It reports whether it was open.
func (s *Session) end(reason CloseReason, outcome Outcome, now time.Time) bool {
	if s.State == StateClosed {
		return false
	}
	s.CloseReason, s.Outcome, s.CloseTime = reason, outcome, now
	s.Timers, s.Prompted = Timers{}, false
	s.move(StateClosed, now)
	return true
}

// showEnd has the provider told of an end that its own human has just made, for a
// desk that does not change by itself.
func (s *Session) showEnd(now time.Time) {
	if s.State == StateClosed && s.CloseReason == ClosedByHuman && s.Changed() {
		s.deliver(Delivery{Kind: DeliverClose}, now)
	}
}

// Settle records the outcome of an attempt to deliver d.
func (s *Session) Settle(d Delivery, a Attempt, now time.Time) {
	d.Attempts++
	d.LastAttempt = now
	d.State, d.NextAttempt, d.LastError, d.Degraded = a.State, a.RetryAt, a.Detail, a.Degraded
	if a.VendorID != "" { // one that is sent again keeps the id of before until it has another
		d.VendorID = a.VendorID
	}
	if d.State != DeliveryPending {
		d.SettleTime = now
	}
	s.changes.Settled = append(s.changes.Settled, d)
	if d.State != DeliveryDelivered {
		s.fail(d, a.Class, a.Detail, now)
	}
	switch {
	case d.State == DeliveryPending:
	case d.Kind == DeliverStart && d.State == DeliveryDelivered:
		s.Ref = a.Ref
		switch {
		case s.State == StateRequested:
			s.move(StateWaiting, now)
		case s.CloseReason == ClosedByProvider: // it took the start after all, too late
			s.deliver(Delivery{Kind: DeliverClose}, now)
		}
	case d.Kind == DeliverStart:
		s.Close(ClosedByProvider, Outcome{Note: a.Detail}, now)
	case d.Kind == DeliverMessage:
		s.settleMessage(d, a, now)
	}
}

// Keep remembers what the provider's adapter has to know when it begins the
// session again after all. Once the provider took the session there is nothing to
// begin.
func (s *Session) Keep(data string) {
	if s.Ref.ID == "" {
		s.Ref.Data = data
		s.changes.Touched = true
	}
}

func (s *Session) settleMessage(d Delivery, a Attempt, now time.Time) {
	change := MessageStatusChanged{MessageID: d.MessageID, Status: MessageDelivered, Detail: a.Degraded}
	if d.State == DeliveryFailed {
		change.Status, change.Detail = MessageFailed, a.Detail
	}
	if s.State != StateClosed { // CLOSED is the last event of a log
		s.log(change, now)
	}
}

// Report records what the provider told of a message that it had taken. What is
// no step forward changes nothing.
func (s *Session) Report(d Delivery, r StatusReported, now time.Time) {
	switch {
	case d.State == DeliveryDelivered && r.Status == MessageRead:
		d.State, d.ReadTime = DeliveryRead, now
	case d.State == DeliveryDelivered && r.Status == MessageFailed:
		d.State, d.LastError = DeliveryFailed, r.Detail
		s.fail(d, FailureReported, r.Detail, now)
	default:
		return
	}
	s.changes.Reported = append(s.changes.Reported, d)
	if s.State != StateClosed {
		s.log(MessageStatusChanged{MessageID: d.MessageID, Status: r.Status, Detail: r.Detail}, now)
	}
}

// move changes the state and, with it, the owner and the epoch.
func (s *Session) move(to State, now time.Time) {
	before := s.Owner()
	if s.State == "" {
		before = OwnerBot
	}
	s.State = to
	if s.Owner() != before {
		s.Epoch++
	}
	change := StateChanged{State: to}
	switch to {
	case StateActive:
		s.ActivateTime = now
	case StateClosed:
		change.CloseReason, change.Outcome = s.CloseReason, s.Outcome
	default:
	}
	s.log(change, now)
}

func (s *Session) log(body EventBody, now time.Time) uint64 {
	s.LastSequence++
	s.changes.Events = append(s.changes.Events, Event{Sequence: s.LastSequence, Time: now, Body: body})
	return s.LastSequence
}

func (s *Session) deliver(d Delivery, now time.Time) {
	d.SessionID, d.State, d.CreateTime = s.ID, DeliveryPending, now
	s.changes.Deliveries = append(s.changes.Deliveries, d)
}

// Snapshot returns a copy that shares nothing mutable with s and has no changes.
func (s *Session) Snapshot() Session {
	c := *s
	c.Tags = slices.Clone(s.Tags)
	c.Repeat, c.changes = nil, Changes{}
	return c
}
