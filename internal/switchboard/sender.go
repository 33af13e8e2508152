package switchboard

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/human-handoff/handoff/internal/dispatch"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/messenger"
)

// Sender implements [dispatch.Connections]: calls to chat apps get the session's seat.
func (svc *Service) Sender(ctx context.Context, connectionID string) (dispatch.Sender, error) {
	s, err := svc.connections.Sender(ctx, connectionID)
	if err != nil {
		return nil, err
	}
	m, err := svc.connections.Messenger(ctx, connectionID)
	if err != nil || m == nil {
		return s, err
	}
	return &sender{Sender: s, svc: svc, connectionID: connectionID}, nil
}

// Terms implements [dispatch.Connections]: what counts towards a human of a chat app
// is only known with the session's seat. One that was not looked at yet counts
// towards nobody.
func (svc *Service) Terms(ctx context.Context, connectionID string) (dispatch.Terms, error) {
	terms, err := svc.connections.Terms(ctx, connectionID)
	if err != nil || terms.Pace == nil {
		return terms, err
	}
	pace := terms.Pace
	terms.Pace = func(c provider.Call) (key string, interval time.Duration) {
		if person, ok := svc.sits.Load(c.SessionID); ok {
			c.Seat.Person, _ = person.(string)
		}
		return pace(c)
	}
	return terms, nil
}

// sender is a connection to a chat app.
type sender struct {
	dispatch.Sender

	svc          *Service
	connectionID string
}

// Open implements [dispatch.Sender].
func (s *sender) Open(ctx context.Context, c provider.Call, start handoff.Start) (ref handoff.Ref, err error) {
	err = s.seated(ctx, c, start.Question, func(c provider.Call) (err error) {
		ref, err = s.Sender.Open(ctx, c, start)
		return err
	})
	return ref, err
}

// Send implements [dispatch.Sender].
func (s *sender) Send(ctx context.Context, c provider.Call, m handoff.Message) (vendorID string, err error) {
	err = s.seated(ctx, c, words(&m), func(c provider.Call) (err error) {
		vendorID, err = s.Sender.Send(ctx, c, m)
		return err
	})
	return vendorID, err
}

// Close implements [dispatch.Sender].
func (s *sender) Close(ctx context.Context, c provider.Call, reason handoff.CloseReason) error {
	err := s.seated(ctx, c, "", func(c provider.Call) error { return s.Sender.Close(ctx, c, reason) })
	if err == nil {
		s.svc.sits.Delete(c.SessionID)
	}
	return err
}

// seated makes a call with the session's seat and notes what it brought to whom,
// even if it failed half-way.
func (s *sender) seated(ctx context.Context, c provider.Call, words string, do func(provider.Call) error) error {
	seat, err := s.svc.store.Seat(ctx, s.connectionID, c.SessionID, messenger.NewTag, s.svc.now())
	if err != nil {
		return err
	}
	if seat.Person != "" {
		s.svc.sits.Store(c.SessionID, seat.Person)
	}
	shown, err := s.svc.store.ShownTo(ctx, c.SessionID, c.IdempotencyKey)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var messages []Message
	c.Seat = provider.Seat{
		Tag: seat.Tag, Person: seat.Person, PersonName: seat.PersonName, Earlier: map[string][]string{},
		Heard: func(ctx context.Context, since time.Time) (map[string]time.Time, error) {
			return s.svc.store.Heard(ctx, s.connectionID, since)
		},
		Offered: func(ctx context.Context) (string, error) {
			all, err := s.svc.store.ShownTo(ctx, c.SessionID, "")
			return lastOffer(all), err
		},
		Noted: func(person, vendorID string) {
			mu.Lock()
			defer mu.Unlock()
			messages = append(messages, Message{person, vendorID})
		},
	}
	for _, m := range shown {
		c.Seat.Earlier[m.Person] = append(c.Seat.Earlier[m.Person], m.VendorID)
	}
	called := do(c)
	mu.Lock()
	defer mu.Unlock()
	if len(messages) > 0 {
		// The call was made, and its outcome counts, whatever becomes of this.
		if err := s.svc.store.Shown(context.WithoutCancel(ctx), c.SessionID, c.IdempotencyKey, cutRunes(words, 200), messages, s.svc.now()); err != nil {
			s.svc.log.ErrorContext(ctx, "switchboard.shown", slog.String("session_id", c.SessionID), slog.Any("error", err))
		}
	}
	return called
}
