// Package feed brings all events of an agent's sessions to its backend, as signed
// HTTP calls.
//
// The log is the queue: what is kept beside it is a cursor for each session. A
// commit tells which session has news; the session's lane then reads the event that
// is due, sends it and moves the cursor. Lanes run in parallel, and each of them in
// order, through a gate for each feed. Now and then a checkpoint says up to which place
// in the order of all changes nothing is left but what pending cursors say, so
// that a start reads what changed since, and not all sessions.
//
//	feed.go     the service, and what it shows
//	set.go      SetEventWebhook and what belongs to it
//	run.go      start, stop, news, checkpoints
//	lane.go     one session's way through the gate
//	deliver.go  one call and its outcome
//	health.go   what outcomes say of a feed, and when it is disabled
//	post.go     the call itself
//	store.go    the port
package feed

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/human-handoff/handoff/internal/flow"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/seal"
	"github.com/human-handoff/handoff/internal/stdwebhook"
)

// Service configures feeds and runs them.
type Service struct {
	store  Store
	sealer *seal.Sealer
	http   *http.Client
	encode func(Notification) ([]byte, error)
	newID  func(prefix string) string
	now    handoff.Clock
	log    *slog.Logger
	jitter flow.Jitter

	onState    func(agentID string)
	onDisabled func(reason string)

	configuring sync.Mutex // held while feeds change, or their checkpoint

	mu      sync.Mutex
	ctx     context.Context // of all calls; nil until Start and after Stop
	cancel  context.CancelFunc
	feeds   map[string]*feed // by agent
	lanes   map[string]*lane // by session; a lane is here as long as it may have work
	alarms  *flow.Alarms
	flush   flow.Alarm // for the next checkpoint
	place   uint64     // all up to here was told by now
	running sync.WaitGroup
}

// Config is what a Service is made of.
type Config struct {
	Store  Store
	Sealer *seal.Sealer
	HTTP   *http.Client                       // guarded, and follows no redirects
	Encode func(Notification) ([]byte, error) // the body of a call
	NewID  func(prefix string) string
	Now    handoff.Clock
	Logger *slog.Logger
}

// New returns a Service; it sends nothing until Start.
func New(c Config) *Service {
	now := func() time.Time { return c.Now().UTC().Truncate(time.Microsecond) } // as it is kept
	svc := &Service{
		store: c.Store, sealer: c.Sealer, http: c.HTTP, encode: c.Encode, newID: c.NewID, now: now, log: c.Logger,
		jitter: flow.FullJitter, onState: func(string) {}, onDisabled: func(string) {},
		feeds: map[string]*feed{}, lanes: map[string]*lane{},
	}
	svc.alarms = flow.NewAlarms(&svc.mu, now)
	svc.flush.Ring = svc.startFlush
	return svc
}

// OnState sets who is told that an agent's feed is in another state. fn must not
// block. It is called once, before the service is used.
func (svc *Service) OnState(fn func(agentID string)) { svc.onState = fn }

// OnDisabled sets who is told that the service has disabled a feed, and why. fn
// must not block. It is called once, before the service is used.
func (svc *Service) OnDisabled(fn func(reason string)) { svc.onDisabled = fn }

// feed is a feed that is in use, disabled or not. Its fields are guarded by the
// service's mutex.
type feed struct {
	stored       Feed
	keys         [][]byte  // that sign, the present one first
	until        time.Time // when all but the first of them stop to
	gate         *flow.Gate
	line         []*lane
	lanes        int        // that it has, wherever they are
	alarm        flow.Alarm // for when to look again
	failingSince time.Time
	lastError    string
	failing      bool // for long enough to be told
}

// State tells how an agent's feed fares; empty if it has none.
func (svc *Service) State(agentID string) handoff.FeedState {
	svc.mu.Lock()
	defer svc.mu.Unlock()
	f := svc.feeds[agentID]
	if f == nil {
		return ""
	}
	return f.state()
}

// Counts tells how many feeds there are in each state, and how many sessions have
// something that is not delivered yet.
func (svc *Service) Counts() (states map[handoff.FeedState]int, pendingSessions int) {
	svc.mu.Lock()
	defer svc.mu.Unlock()
	states = map[handoff.FeedState]int{handoff.FeedActive: 0, handoff.FeedFailing: 0, handoff.FeedDisabled: 0}
	for _, f := range svc.feeds {
		states[f.state()]++
	}
	return states, len(svc.lanes)
}

func (f *feed) state() handoff.FeedState {
	switch {
	case f.stored.Disabled != "":
		return handoff.FeedDisabled
	case f.failing:
		return handoff.FeedFailing
	default:
		return handoff.FeedActive
	}
}

// View is a feed as its operator may see it.
type View struct {
	Feed

	State         handoff.FeedState
	PreviousUntil time.Time // zero = one secret alone signs
	Pending       int       // sessions that may have something due
}

// ErrNotFound is returned for an agent without a feed.
var ErrNotFound = &handoff.Error{Code: handoff.CodeNotFound, Reason: "EVENT_WEBHOOK_NOT_FOUND", Message: "this agent has no event webhook; set one with SetEventWebhook"}

// Get returns an agent's feed; ErrNotFound if it has none.
func (svc *Service) Get(ctx context.Context, agentID string) (*View, error) {
	stored, err := svc.store.Feed(ctx, agentID)
	if err != nil {
		return nil, err
	}
	s, err := svc.open(stored)
	if err != nil {
		return nil, err
	}
	v := &View{Feed: *stored, State: handoff.FeedActive, PreviousUntil: s.previousUntil(svc.now())}
	if stored.Disabled != "" {
		v.State = handoff.FeedDisabled
	}
	svc.mu.Lock()
	defer svc.mu.Unlock()
	if f := svc.feeds[agentID]; f != nil && stored.Disabled == "" {
		v.State, v.FailingSince, v.LastError, v.Pending = f.state(), f.failingSince, f.lastError, f.lanes
	}
	return v, nil
}

// Deliveries lists how far feeds got, the newest sessions first.
func (svc *Service) Deliveries(ctx context.Context, f DeliveryFilter, p handoff.Page) ([]Delivery, string, error) {
	return svc.store.EventDeliveries(ctx, f, p)
}

// previousFor is how long a replaced secret signs beside the new one.
const previousFor = 24 * time.Hour

// secrets is what signs, as it is sealed.
type secrets struct {
	Secret       string    `json:"secret"`
	Previous     string    `json:"previous,omitempty"`
	ReplacedTime time.Time `json:"replaced_time,omitzero"`
}

// previousUntil is when the previous secret stops to sign; zero if there is none.
func (s secrets) previousUntil(now time.Time) time.Time {
	if until := s.ReplacedTime.Add(previousFor); s.Previous != "" && now.Before(until) {
		return until
	}
	return time.Time{}
}

// keys returns what signs, the present one first.
func (s secrets) keys() ([][]byte, error) {
	var keys [][]byte
	for _, secret := range []string{s.Secret, s.Previous} {
		if secret == "" {
			continue
		}
		key, err := stdwebhook.Key(secret)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func (svc *Service) seal(s secrets, agentID string) ([]byte, error) {
	plain, err := json.Marshal(s) //nolint:gosec // it is sealed right away
	if err != nil {
		return nil, err
	}
	return svc.sealer.Seal(plain, sealContext(agentID)), nil
}

func (svc *Service) open(f *Feed) (s secrets, err error) {
	plain, err := svc.sealer.Open(f.Secret, sealContext(f.AgentID))
	if err == nil {
		err = json.Unmarshal(plain, &s)
	}
	if err != nil {
		return s, fmt.Errorf("event webhook of agent %s: %w", f.AgentID, err)
	}
	return s, nil
}

func sealContext(agentID string) []byte { return []byte("event-webhook:" + agentID) }
