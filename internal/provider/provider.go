// Package provider is the port to the desks where humans sit.
//
// A [Kind] knows one vendor: it validates a configuration and opens an
// [Adapter] on it. The adapter only translates and classifies errors; it holds
// no state, never loops, sleeps or retries. The rest of the program talks to a
// [Conn], which adds what every adapter needs: deadlines, classification of
// what an adapter left open, and redaction of secrets.
//
// A new provider is a folder beside this file, a message in the API's oneof, and
// a line in package all. Package providertest holds the suite that it has to pass.
package provider

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/human-handoff/handoff/internal/handoff"
)

// Kind is a vendor.
type Kind interface {
	// Describe tells what operators and the core need to know, as data.
	Describe() Descriptor

	// Account names the account that a configuration talks to, as an URL without
	// secrets: its host decides whether a stored secret may be reused, and two
	// configurations with the same account are one connection. It is empty as
	// long as the configuration does not tell. The error is for the operator.
	Account(config proto.Message) (string, error)

	// Missing lists the fields that the configuration still needs.
	Missing(config proto.Message) []string

	// Open makes an adapter of a complete configuration.
	Open(config proto.Message, deps Deps) (Adapter, error)
}

// Deps is what an adapter is given to work with.
type Deps struct {
	HTTP  *http.Client // guarded: no redirects, no private addresses unless allowed
	Files Files        // for adapters with the capability of attachments
	Now   handoff.Clock

	ReceiveURL string  // where the vendor sends webhooks; empty until the configuration is stored
	Tokens     *Tokens // of the connection; may be nil
	Meter      *Meter  // of the connection; may be nil

	// Sent reports whether a message that we sent is known by the vendor's id. It
	// is for adapters that look whether a repeat has got through: what they find
	// there may be an earlier message with the same text. May be nil; then none is.
	Sent func(ctx context.Context, vendorID string) (bool, error)

	// Seal and Unseal are for secrets that an adapter keeps in a Ref's Data, where
	// they would else lie in the clear.
	Seal   func(plain string) string
	Unseal func(sealed string) (string, error)

	// Renew keeps new values of secrets of the configuration, by the names of their
	// fields, for vendors that exchange them in passing. May be nil; then they are
	// not kept.
	Renew func(ctx context.Context, secrets map[string]string) error
}

// Files gives adapters the content of a message's attachments. Those that a vendor
// cannot carry by its capabilities are text with an address before they come to
// an adapter.
type Files interface {
	// Content opens the content of an attachment for reading; the caller closes it.
	Content(ctx context.Context, a handoff.Attachment) (io.ReadCloser, error)

	// Link returns an address where the vendor can read it, for a week.
	Link(a handoff.Attachment) string
}

// Greeter is a [Kind] whose vendor wants an answer when the receive URL is entered
// there, which may be before it gives out its secrets.
type Greeter interface {
	// Greet answers a request that only asks whether somebody is there, and tells
	// nothing. The configuration may be incomplete. ok is false for any other
	// request. It is pure.
	Greet(config proto.Message, r Request) (reply Reply, ok bool)
}

// Manifester is a [Kind] whose vendor makes an app of a description.
type Manifester interface {
	// Manifest returns the description of an app that calls a receive URL, to be
	// pasted at the vendor's. The configuration may be incomplete; no secret of it
	// gets into the description. It is pure.
	Manifest(config proto.Message, receiveURL string) string
}

// Descriptor is what is known of a kind before it is configured.
type Descriptor struct {
	Name         string // as in the API's oneof and in receive URLs
	Title        string
	Beta         bool              // not yet proved on a live account
	Reconciles   bool              // its adapters are a [Reconciler]
	Billed       bool              // each call costs money: what was missed is asked for after gaps alone
	Config       proto.Message     // an empty configuration message
	Fields       map[string]string // what to enter in each of its fields
	Capabilities handoff.Capabilities
	Limits       Limits
	SetupSteps   []string
	Listens      bool // its adapters are [Listener]s
	Confirms     bool // its adapters are [Confirmer]s
	Queues       bool // its adapters are [Queuer]s
}

// Limits is how much a vendor takes from one connection at a time. It is what the
// vendor states; what it really bears is found out by its rate-limited answers.
type Limits struct {
	Concurrent int     // calls under way at once; 0 = [DefaultConcurrent]
	PerSecond  float64 // calls a second in the long run; 0 = no limit
	Burst      int     // calls at once after a rest; 0 = what a second allows, at least one

	// Looks is how often a second a [Reconciler] may be asked in the long run; 0 = as
	// often as the core does. What is not asked in one round is in the next ones.
	Looks float64
}

// DefaultConcurrent bounds the calls that are under way to a vendor that states
// no limit, so that one that hangs holds up its own sessions alone.
const DefaultConcurrent = 512

// WithDefaults returns the limits with every default in its place.
func (l Limits) WithDefaults() Limits {
	if l.Concurrent <= 0 {
		l.Concurrent = DefaultConcurrent
	}
	if l.PerSecond > 0 && l.Burst <= 0 {
		l.Burst = max(1, int(l.PerSecond))
	}
	return l
}

// Pacer is an [Adapter] of a vendor that limits something wider than a session: a
// channel, a phone, a member of a team.
type Pacer interface {
	// Pace returns what a call counts towards, and how far apart the starts of two
	// calls that count towards the same have to be; an empty key or no interval
	// means any. It is pure and quick.
	Pace(c Call) (key string, interval time.Duration)
}

// BurstPacer is a [Pacer] whose vendor lends calls: after a rest so many may go at
// once, and are paid back at the interval.
type BurstPacer interface {
	// PaceBurst returns how many; it is at least one.
	PaceBurst() int
}

// Adapter talks to one account of a vendor. It is safe for concurrent use.
// Errors of the calls are [*Error]; anything else counts as transient.
type Adapter interface {
	// Check asks the vendor whether the configuration works, without a trace at the desk.
	Check(ctx context.Context) error

	// Open begins the session at the desk and returns what the desk calls it.
	Open(ctx context.Context, c Call, start handoff.Start) (handoff.Ref, error)

	// Send brings a customer's message to the desk and returns the desk's id of it, if it has one.
	Send(ctx context.Context, c Call, m handoff.Message) (vendorID string, err error)

	// Close tells the desk that the session ended.
	Close(ctx context.Context, c Call, reason handoff.CloseReason) error

	// Verify proves that a request comes from the vendor. It is pure; a nil
	// error alone lets the request be parsed.
	Verify(r Request) error

	// Parse turns a verified request into what it tells, and the answer to give
	// once that is on disk. It is pure. An error means that the body makes no
	// sense; what is merely unknown is no error and no inbound.
	Parse(r Request) (Reply, []handoff.Inbound, error)
}

// Typer is an [Adapter] of a vendor that shows its humans that a customer types.
type Typer interface {
	// Typing tells that the customer types, or does no longer. It is called at most
	// once a second and session, and not again when it fails.
	Typing(ctx context.Context, c Call, active bool) error
}

// Reader is an [Adapter] of a vendor that shows its humans how far a customer has read.
type Reader interface {
	// Read tells that the customer has seen everything up to now. As with Typing.
	Read(ctx context.Context, c Call) error
}

// Confirmer is an [Adapter] of a vendor where humans can be shown what became of
// what they said and did.
type Confirmer interface {
	// Confirm shows it. It is called soon after what was told is on disk, for a
	// session one at a time; late tells that it came after the session's end. What
	// fails for a passing reason is repeated a few times, with Repeat set, and nothing
	// else depends on it.
	Confirm(ctx context.Context, c Call, in handoff.Inbound, late bool) error
}

// Installer is an [Adapter] that can make at its vendor what somebody would else
// have to click there, above all that webhooks come to the receive URL.
type Installer interface {
	// Install makes what is missing, and nothing twice. It is called after each
	// check of a stored configuration that went well, so it has to be quick when
	// nothing is missing.
	Install(ctx context.Context) error
}

// Reconciler is an [Adapter] that can ask its vendor what webhooks have told, or
// would have if they had not got lost while one of the two sides was away.
type Reconciler interface {
	// Since returns what was told of an open session since a time, the oldest first,
	// as webhooks would have, with the same keys: what did arrive counts for nothing.
	Since(ctx context.Context, c Call, since time.Time) ([]handoff.Inbound, error)
}

// Queuer is an [Adapter] of a vendor that tells a customer's place in its queue when
// it is asked, and not by itself.
type Queuer interface {
	// Place returns the customer's place, 1 being the next; 0 = in no queue, or not
	// any more.
	Place(ctx context.Context, c Call) (int32, error)
}

// PlaceKey is the key of an inbound that tells a place. In a queue that only gets
// shorter each is reached once, so whoever tells it again tells nothing new.
func PlaceKey(place int32) string { return "queue:" + strconv.Itoa(int(place)) }

// Introducer is an [Adapter] of a vendor whose webhooks call people by ids alone.
// Names are asked for once and kept for a while; a name that is not told in time is
// done without.
type Introducer interface {
	// People returns the ids of those whose names Parse can use. It is pure.
	People(r Request) []string

	// Name asks the vendor how somebody is called.
	Name(ctx context.Context, id string) (string, error)
}

// Stripper is an adapter whose vendor puts secrets into what it sends.
type Stripper interface {
	// Strip returns the request without them, for it to be kept. It is pure, and
	// must not change what it is given.
	Strip(r Request) Request
}

// Call is what every outbound call of a session carries.
type Call struct {
	SessionID      string
	AgentID        string
	Ref            handoff.Ref
	IdempotencyKey string    // the same for each attempt
	Time           time.Time // when what is delivered happened
	Seat           Seat      // of a [Messenger]'s session

	// Keep has the core remember something of a start that is under way, on disk
	// before it returns: a repeat of the start finds it as Ref.Data. It is for vendors
	// that make the session in more than one step, and would make it twice. It is set
	// for calls of Open.
	Keep func(ctx context.Context, data string) error

	// Tell has the core apply what the answer to a start tells besides, as a webhook
	// would tell it: who took the session, the place in a queue. It is on disk when it
	// returns; its key makes a webhook that tells it again count for nothing. It is set
	// for calls of Open, and finds the session by itself.
	Tell func(ctx context.Context, in handoff.Inbound) error

	// Repeat tells that an earlier attempt may have got through: it was cut, it
	// failed, or this program ended before it knew. An adapter whose vendor knows
	// no idempotency keys then looks before it creates.
	Repeat bool
}

// Request is an inbound webhook.
type Request struct {
	Method string
	Path   string // what follows the receive URL; empty or with a leading slash
	Query  string
	Header http.Header
	Body   []byte
	Time   time.Time // when it came in

	// Names are those of the people whom an [Introducer] asked for, by their ids.
	Names map[string]string
}

// Reply is the answer to a webhook. The zero value is 200 with an empty body.
type Reply struct {
	Status      int
	ContentType string
	Body        []byte

	// Always has the answer given even if what the request tells is of no session of
	// ours, or comes too late for it. It is for vendors that tell of everything in
	// an account, and that take any refusal for an outage.
	Always bool

	// Ours tells that the request is of a session that we began ourselves. As long
	// as that is not known the answer to its start is still on the way, and the
	// vendor is asked to send the request again in spite of Always.
	Ours bool
}
