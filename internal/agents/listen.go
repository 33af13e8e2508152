package agents

import (
	"context"
	"log/slog"
	"strconv"
	"sync"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/listen"
	"github.com/human-handoff/handoff/internal/provider"
)

// listens is what is known of the connections over which events come.
type listens struct {
	wake chan struct{} // of size 1

	mu      *sync.Mutex
	failing map[string]error // by connection
}

func newListens() listens {
	return listens{wake: make(chan struct{}, 1), mu: &sync.Mutex{}, failing: map[string]error{}}
}

// changed tells that the configuration did. It does not block.
func (l *listens) changed() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// refusal is why the vendor will not let a connection listen until somebody acts;
// nil when it does, or may do soon.
func (l *listens) refusal(connectionID string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.failing[connectionID]; err != nil && healthOf(err) == refused {
		return err
	}
	return nil
}

// note notes how listening went, and reports whether it failed before.
func (l *listens) note(connectionID string, err error) (failed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, failed = l.failing[connectionID]
	delete(l.failing, connectionID)
	if err != nil {
		l.failing[connectionID] = err
	}
	return failed
}

// forget begins anew, for a configuration that is another one.
func (l *listens) forget(connectionID string) {
	l.note(connectionID, nil)
	l.changed()
}

var _ listen.Connections = (*Service)(nil)

// Reconfigured implements listen.Connections.
func (svc *Service) Reconfigured() <-chan struct{} { return svc.listens.wake }

// Sources implements listen.Connections.
func (svc *Service) Sources(ctx context.Context) ([]listen.Source, error) {
	var kinds []string
	for _, k := range svc.kinds {
		if d := k.Describe(); d.Listens {
			kinds = append(kinds, d.Name)
		}
	}
	if len(kinds) == 0 {
		return nil, nil
	}
	list, err := svc.store.Used(ctx, kinds)
	if err != nil {
		return nil, err
	}
	var sources []listen.Source
	places := map[string]int{}
	for i := range list {
		c := &list[i]
		o, err := svc.open(c)
		if err != nil {
			continue // it is not complete, and its status says so
		}
		key := o.conn.ListenKey()
		if key == "" {
			continue
		}
		key = c.Kind + ":" + key
		place, known := places[key]
		if !known {
			place = len(sources)
			places[key] = place
			sources = append(sources, listen.Source{Key: key})
		}
		s := &sources[place]
		s.ConnectionIDs = append(s.ConnectionIDs, c.ID)
		s.Version += strconv.FormatInt(c.Version, 36) + "."
	}
	return sources, nil
}

// Listen implements listen.Connections.
func (svc *Service) Listen(ctx context.Context, connectionID string, line provider.Line) error {
	o, err := svc.openedNow(ctx, connectionID)
	if err != nil {
		return err
	}
	return o.conn.Listen(ctx, line)
}

// Listened implements listen.Connections. What the vendor refuses makes the
// connection unavailable, for the customer would not hear the human. Once it is up
// again after that, it is checked.
func (svc *Service) Listened(ctx context.Context, connectionIDs []string, err error) {
	for _, id := range connectionIDs {
		failed := svc.listens.note(id, err)
		switch {
		case err != nil:
			svc.Report(ctx, id, err)
		case failed:
			svc.checkListening(ctx, id)
		}
	}
}

func (svc *Service) checkListening(ctx context.Context, connectionID string) {
	c, err := svc.store.Connection(ctx, connectionID)
	if err == nil {
		_, err = svc.checkAgain(ctx, c)
	}
	if err != nil {
		svc.log.ErrorContext(ctx, "agents.listened", slog.String("connection_id", connectionID), slog.Any("error", err))
	}
}

// Hear implements listen.Connections. The connection on which an event came has
// proved that it is genuine.
func (svc *Service) Hear(ctx context.Context, connectionID string, event provider.Request) ([]handoff.Inbound, error) {
	o, err := svc.openedNow(ctx, connectionID)
	if err != nil {
		return nil, err
	}
	_, inbound, err := o.conn.Parse(event)
	if err != nil {
		c := o.conn.Connection()
		svc.quarantine(ctx, o, &c, event, err)
	} else {
		svc.learn(ctx, o, event)
	}
	return inbound, err
}

// openedNow returns a connection as it is configured now.
func (svc *Service) openedNow(ctx context.Context, connectionID string) (*opened, error) {
	svc.mu.Lock()
	o := svc.opened[connectionID]
	svc.mu.Unlock()
	if o != nil {
		return o, nil
	}
	c, err := svc.store.Connection(ctx, connectionID)
	if err != nil {
		return nil, err
	}
	return svc.open(c)
}
