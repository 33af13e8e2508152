package handoff

import "time"

// DeliveryKind says what a delivery carries.
type DeliveryKind string

// The kinds of deliveries.
const (
	DeliverStart   DeliveryKind = "start"
	DeliverMessage DeliveryKind = "message"
	DeliverClose   DeliveryKind = "close"
)

// DeliveryState is where a delivery stands.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryPending   DeliveryState = "pending"
	DeliveryDelivered DeliveryState = "delivered"
	DeliveryRead      DeliveryState = "read" // and delivered
	DeliveryFailed    DeliveryState = "failed"
)

// Delivery is one call that the provider has to get. A session's deliveries
// form its lane: they are sent one at a time, in the order of their ids.
type Delivery struct {
	ID        int64 // given by the store, rising within a session
	SessionID string
	Kind      DeliveryKind
	Sequence  uint64 // of the message's event; 0 for start and close
	MessageID string // of the message; empty for start and close
	State     DeliveryState

	Attempts    int
	LastAttempt time.Time // when the outcome of the latest one was known; zero = there was none
	NextAttempt time.Time // no attempt before; zero = at once
	LastError   string    // of the last failed attempt, without secrets
	VendorID    string    // the provider's own id for what was delivered
	Degraded    string    // what the provider could not carry of it, in words; empty = it got all
	CreateTime  time.Time
	SettleTime  time.Time
	ReadTime    time.Time // when the provider told that a human read it
	RetryTime   time.Time // when an operator last had it sent again; zero = never
}

// QueueTime is when it was last put into its lane: it is given up a while after that.
func (d *Delivery) QueueTime() time.Time {
	if d.RetryTime.After(d.CreateTime) {
		return d.RetryTime
	}
	return d.CreateTime
}

// IdempotencyKey is the same for every attempt of a delivery and for no other,
// so that a provider can tell a repeat from a second message.
func (d *Delivery) IdempotencyKey() string {
	if d.MessageID != "" {
		return d.MessageID
	}
	return d.SessionID + "-" + string(d.Kind)
}

// Attempt is the outcome of one call for a delivery.
type Attempt struct {
	State    DeliveryState // DeliveryPending: try again at RetryAt
	RetryAt  time.Time
	Class    string // of the error, if it failed: what can be done about it
	Detail   string // why it failed, without secrets
	Degraded string // of one that succeeded: what the provider could not carry, in words
	VendorID string
	Ref      Ref // of a start: the provider's conversation
}

// FailureReported is the class of a failure of which the provider told after it
// had taken the delivery. All other classes are those of errors of calls.
const FailureReported = "reported"

// FailedAttempt is one entry of a delivery's log. A success has none, for the
// delivery itself tells all of it.
type FailedAttempt struct {
	DeliveryID int64
	Number     int // of the attempt, from 1
	Time       time.Time
	Class      string
	Detail     string // without secrets
}

// The log of a delivery keeps its first and its last failed attempts: the
// beginning of an outage and where it stands now. Each error is cut to maxFailureText.
const (
	FirstFailures  = 20
	LastFailures   = 20
	maxFailureText = 1 << 10
)

// Ref is what a provider calls the session.
type Ref struct {
	ID   string `json:"id,omitempty"`   // finds the session again when the provider calls
	Data string `json:"data,omitempty"` // whatever else the adapter needs for its later calls; without an ID, for a repeat of the start
}

// Job is a delivery with all that is needed to send it.
type Job struct {
	Delivery Delivery
	Session  Session
	Start    Start   // of a start
	Message  Message // of a message
}
