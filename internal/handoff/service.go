package handoff

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Service holds the use cases. All doors of the server lead here.
type Service struct {
	store Store
	waker Waker
	caps  func(kind string) Capabilities
	files Files
	newID func(prefix string) string
	now   Clock

	origin string

	signaler  Signaler
	confirmer Confirmer
	signals   signals
	recent    recentLogs
	loops     loops
	handovers *handovers
}

// Config is what a Service is made of.
type Config struct {
	Store        Store
	Waker        Waker
	Capabilities func(kind string) Capabilities // of a kind of provider
	Files        Files                          // nil = none are kept
	Signaler     Signaler                       // nil = providers get no signals
	Confirmer    Confirmer                      // nil = providers' humans are shown nothing
	NewID        func(prefix string) string     // unique and hard to guess
	Now          Clock
	Origin       string // tells one database from another; goes into resume tokens
}

// NewService returns a Service.
func NewService(c Config) *Service {
	now := func() time.Time { return c.Now().UTC().Truncate(time.Microsecond) } // as it is kept
	return &Service{
		store: c.Store, waker: c.Waker, caps: c.Capabilities, files: c.Files, signaler: c.Signaler, confirmer: c.Confirmer,
		newID: c.NewID, now: now, origin: c.Origin,
		handovers: newHandovers(c.Waker),
	}
}

// Request asks for a handoff.
type Request struct {
	Conversation ConversationKey
	RequestID    string
	Start        Start // its Transcript in full; the settings cut it
}

// RequestHandoff opens a session or says why not. A conversation whose session
// is open, or a known request id, gets that session.
func (svc *Service) RequestHandoff(ctx context.Context, r Request) (*Session, *Declined, error) {
	s, err := svc.store.FindSession(ctx, r.Conversation, r.RequestID)
	if err == nil || !errors.Is(err, ErrSessionNotFound) {
		return s, nil, err
	}
	agent, caps, err := svc.agent(ctx, r.Conversation.AgentID)
	if err != nil {
		return nil, nil, err
	}
	if r.Start.Customer, err = svc.recall(ctx, agent.ID, r.Start.Customer); err != nil {
		return nil, nil, err
	}
	d, err := decline(agent, caps, r.Start.Customer, svc.now())
	if err != nil || d != nil {
		return nil, d, err
	}
	s, err = svc.open(ctx, agent, caps, r)
	return s, nil, err
}

func (svc *Service) open(ctx context.Context, agent *Agent, caps Capabilities, r Request) (*Session, error) {
	settings := agent.Settings.WithDefaults()
	start := r.Start
	start.DefaultEmail = settings.DefaultEmail
	start.Transcript = LastRounds(start.Transcript, int(*settings.TranscriptRounds), start.Question)
	if limit := caps.MaxTranscriptBytes; limit > 0 {
		start.Transcript = CutTranscript(start.Transcript, max(1, limit-len(start.Question)))
	}
	id, now := svc.newID("ses"), svc.now()
	var t turn
	s, created, err := svc.store.Create(ctx, r.Conversation, r.RequestID, func(epoch uint64) (*Session, error) {
		svc.handovers.take(&t, id)
		return NewSession(Session{
			ID: id, AgentID: agent.ID, ConversationID: r.Conversation.ConversationID, RequestID: r.RequestID,
			ConnectionID: agent.Connection.ID, Provider: agent.Connection.Kind,
			Customer: start.Customer, Question: start.Question, Reason: start.Reason, Priority: start.Priority,
			Team: start.Team, Tags: slices.Clone(start.Tags), Metadata: start.Metadata, Limits: settings.limits(start.Customer.Locale),
		}, start, epoch, now), nil
	})
	switch {
	case err != nil:
		svc.doubt(nil, &t) // nobody follows it yet
		return nil, err
	case created:
		svc.wake(s, &t)
	default:
		svc.handovers.leave(&t)
	}
	return s, nil
}

// SendMessage takes a customer's message, with the files that are named beside it.
// With a known client message id it returns the first message and sends nothing.
func (svc *Service) SendMessage(ctx context.Context, sessionID string, m Message, files ...AttachmentInput) (Message, error) {
	key := ""
	if m.ClientMessageID != "" {
		key = "client:" + m.ClientMessageID
	}
	var err error
	if m.Attachments, err = svc.take(ctx, sessionID, key, files); err != nil {
		return Message{}, err
	}
	m.ID = svc.newID("msg")
	now := svc.now()
	var accepted Message
	_, err = svc.update(ctx, sessionID, key, func(s *Session) (err error) {
		accepted, err = s.Accept(m, now)
		return err
	})
	if err == nil && accepted.ID == m.ID { // no repeat
		svc.loops.sent(sessionID, m.Text, now)
	}
	return accepted, err
}

// CloseSession ends a session and returns it; closing it again changes nothing.
func (svc *Service) CloseSession(ctx context.Context, sessionID string, reason CloseReason, outcome Outcome) (*Session, error) {
	now := svc.now()
	return svc.update(ctx, sessionID, "", func(s *Session) error {
		s.Close(reason, outcome, now)
		return nil
	})
}

// Settle records the outcome of an attempt to deliver. It returns the session when
// that is on disk; an error beside it is about what should have followed.
func (svc *Service) Settle(ctx context.Context, d Delivery, a Attempt) (*Session, error) {
	now := svc.now()
	s, err := svc.update(ctx, d.SessionID, "", func(s *Session) error {
		s.Settle(d, a, now)
		return nil
	})
	if err == nil && a.VendorID != "" {
		err = svc.releaseHeld(ctx, s.ConnectionID, a.VendorID)
	}
	return s, err
}

// Keep remembers something of a session's start that is under way, for a repeat of it.
func (svc *Service) Keep(ctx context.Context, sessionID, data string) error {
	_, err := svc.update(ctx, sessionID, "", func(s *Session) error {
		s.Keep(data)
		return nil
	})
	return err
}

// Identity is what never changes of a session.
type Identity struct{ AgentID, ConnectionID, Provider string }

// Identity returns what never changes of a session; ErrSessionNotFound if there is none.
func (svc *Service) Identity(ctx context.Context, sessionID string) (Identity, error) {
	return svc.store.Identity(ctx, sessionID)
}

// Session returns one session.
func (svc *Service) Session(ctx context.Context, id string) (*Session, error) {
	return svc.store.Session(ctx, id)
}

// Log returns a stretch of a session's log; ErrBeyondLog when after is beyond it.
func (svc *Service) Log(ctx context.Context, sessionID string, after uint64, limit int) (Log, error) {
	log, err := svc.store.Log(ctx, sessionID, after, limit)
	if err == nil && after > log.Last {
		err = ErrBeyondLog
	}
	return log, err
}

// Sessions lists sessions, the newest first.
func (svc *Service) Sessions(ctx context.Context, f SessionFilter, p Page) ([]Session, string, error) {
	return svc.store.Sessions(ctx, f, p)
}

// LateMessages lists what humans said after the close.
func (svc *Service) LateMessages(ctx context.Context, sessionID string, p Page) ([]LateMessage, string, error) {
	return svc.store.LateMessages(ctx, sessionID, p)
}

// Conversation is who may speak to a customer now.
type Conversation struct {
	Owner Owner
	Epoch uint64
	Open  *Session // nil unless a session is open
}

// Conversation tells who may speak; an unknown conversation is the bot's, at epoch 0.
func (svc *Service) Conversation(ctx context.Context, c ConversationKey) (Conversation, error) {
	s, err := svc.store.LatestSession(ctx, c)
	if errors.Is(err, ErrSessionNotFound) {
		return Conversation{Owner: OwnerBot}, nil
	}
	if err != nil {
		return Conversation{}, err
	}
	conv := Conversation{Owner: s.Owner(), Epoch: s.Epoch}
	if s.State != StateClosed {
		conv.Open = s
	}
	return conv, nil
}

// CheckTurn returns nil when the bot may speak and epoch is the conversation's.
func (svc *Service) CheckTurn(ctx context.Context, c ConversationKey, epoch uint64) error {
	conv, err := svc.Conversation(ctx, c)
	switch {
	case err != nil:
		return err
	case conv.Owner != OwnerBot:
		return Errorf(CodePrecondition, "NOT_THE_BOTS_TURN", "the conversation is with a human (owner %s, epoch %d); do not answer the customer", conv.Owner, conv.Epoch)
	case conv.Epoch != epoch:
		return Errorf(CodePrecondition, "STALE_EPOCH", "the conversation has moved on from epoch %d to %d; read GetConversation and the session's events, then decide again", epoch, conv.Epoch)
	}
	return nil
}

// update runs a command on a session and wakes whom its changes concern.
func (svc *Service) update(ctx context.Context, sessionID, key string, fn func(*Session) error) (*Session, error) {
	var updated *Session
	var t turn
	err := svc.store.Update(ctx, sessionID, key, func(s *Session) error {
		updated = s
		if err := fn(s); err != nil {
			return err
		}
		if s.concernsLane() {
			svc.handovers.take(&t, sessionID)
		}
		return nil
	})
	if err != nil {
		svc.doubt(updated, &t)
		return nil, err
	}
	svc.wake(updated, &t)
	return updated, nil
}

// doubt follows an update that failed. When its function had run, it may be on
// disk all the same: streams and the lane have to look.
func (svc *Service) doubt(s *Session, t *turn) {
	if s != nil && s.Changed() {
		svc.recent.forget(s.ID)
		svc.waker.Changed(s.ID, s.AgentID)
	}
	if t.sessionID != "" {
		svc.handovers.finish(t, Handover{Session: Session{ID: t.sessionID}, Unsure: true})
	}
}

func (svc *Service) wake(s *Session, t *turn) {
	if s.Changed() {
		svc.recent.add(s)
		svc.waker.Changed(s.ID, s.AgentID)
	}
	if t.sessionID != "" && s.concernsLane() {
		svc.handovers.finish(t, s.handover())
	} else {
		svc.handovers.leave(t)
	}
	if due := s.Timers.Next(); !due.IsZero() && s.Changed() {
		svc.waker.Timer(due)
	}
}
