package feed

import (
	"context"
	"log/slog"
	"time"
)

const (
	// flushEvery is how long after news the next checkpoint comes. It is also by
	// how much longer than the commit nobody can take to tell of it.
	flushEvery = 30 * time.Second
	// stopGrace is how long calls under way get to end when the program stops.
	stopGrace = 5 * time.Second
)

// Start takes up all feeds and what they have not sent yet.
func (svc *Service) Start(ctx context.Context) error {
	svc.configuring.Lock()
	defer svc.configuring.Unlock()
	list, err := svc.store.Feeds(ctx)
	if err != nil {
		return err
	}
	svc.mu.Lock()
	svc.ctx, svc.cancel = context.WithCancel(context.WithoutCancel(ctx))
	svc.alarms.Start()
	svc.mu.Unlock()
	for _, stored := range list {
		s, err := svc.open(&stored)
		if err != nil {
			return err
		}
		keys, err := s.keys()
		if err != nil {
			return err
		}
		svc.adopt(stored, keys, s.ReplacedTime.Add(previousFor))
	}
	if len(list) == 0 {
		return nil
	}
	return svc.catchUp(ctx, "", false)
}

// catchUp takes up what an agent's feed, or all, have not sent yet; with overdue
// even if a retry is due later.
func (svc *Service) catchUp(ctx context.Context, agentID string, overdue bool) error {
	behind, err := svc.store.Behind(ctx, agentID)
	if err != nil {
		return err
	}
	svc.mu.Lock()
	defer svc.mu.Unlock()
	for _, key := range behind {
		svc.news(key.SessionID, key.AgentID, overdue)
	}
	return nil
}

// Stop begins no more calls, lets those under way end for a while and then cuts
// them. It is called when nothing is committed any more, so that the checkpoint
// is exact.
func (svc *Service) Stop() {
	svc.mu.Lock()
	cancel := svc.cancel
	svc.ctx, svc.cancel = nil, nil
	svc.alarms.Stop()
	used := len(svc.feeds) > 0
	svc.mu.Unlock()
	if cancel == nil {
		return
	}
	cut := time.AfterFunc(stopGrace, cancel)
	svc.running.Wait()
	cut.Stop()
	cancel()
	if used {
		svc.checkpoint(context.Background(), true)
	}
	svc.mu.Lock()
	defer svc.mu.Unlock()
	clear(svc.lanes)
	clear(svc.feeds)
}

// Changed tells that a session has changed. It does not block.
func (svc *Service) Changed(sessionID, agentID string) {
	svc.mu.Lock()
	defer svc.mu.Unlock()
	svc.news(sessionID, agentID, false)
}

// news lets a session's lane look. The caller holds svc.mu.
func (svc *Service) news(sessionID, agentID string, overdue bool) {
	f := svc.feeds[agentID]
	if f == nil || f.stored.Disabled != "" || svc.ctx == nil {
		return
	}
	if !svc.flush.IsSet() {
		svc.alarms.Set(&svc.flush, svc.now().Add(flushEvery))
	}
	if l := svc.lanes[sessionID]; l != nil {
		l.again, l.overdue = true, l.overdue || overdue
		return
	}
	l := &lane{id: sessionID, feed: f, overdue: overdue}
	l.alarm.Ring = func() { svc.enter(l) }
	svc.lanes[sessionID] = l
	f.lanes++
	svc.enter(l)
}

// startFlush is called by the alarm.
func (svc *Service) startFlush() {
	ctx := svc.ctx
	svc.running.Go(func() { svc.checkpoint(ctx, false) })
}

// checkpoint notes which sessions have something left, and up to where there is
// nothing else. Who commits tells of it a moment later; so what is noted is the
// place that was the last one at the checkpoint before, unless all is at rest.
func (svc *Service) checkpoint(ctx context.Context, atRest bool) {
	svc.configuring.Lock()
	defer svc.configuring.Unlock()
	last, err := svc.store.LastChange(ctx)
	if err == nil {
		place := svc.place
		if atRest {
			place = last
		}
		err = svc.notePending(ctx, place)
	}
	if err != nil && ctx.Err() == nil {
		svc.log.ErrorContext(ctx, "event_webhook.checkpoint", slog.Any("error", err))
	}
	svc.mu.Lock()
	defer svc.mu.Unlock()
	again := err != nil || last != svc.place
	if svc.ctx != nil && !svc.flush.IsSet() && again {
		svc.alarms.Set(&svc.flush, svc.now().Add(flushEvery))
	}
	if err == nil {
		svc.place = last
	}
}

// notePending stores which sessions have something left besides those of which
// that is stored already, and then the place. The caller holds svc.configuring.
func (svc *Service) notePending(ctx context.Context, place uint64) error {
	type seen struct {
		lane    *lane
		settled int
	}
	svc.mu.Lock()
	var lanes []seen
	var pending []SessionKey
	for id, l := range svc.lanes {
		if !l.noted {
			lanes = append(lanes, seen{l, l.settled})
			pending = append(pending, SessionKey{SessionID: id, AgentID: l.feed.stored.AgentID})
		}
	}
	svc.mu.Unlock()
	if err := svc.store.Checkpoint(ctx, pending, place); err != nil {
		return err
	}
	svc.mu.Lock()
	defer svc.mu.Unlock()
	for _, s := range lanes {
		if s.lane.settled == s.settled {
			s.lane.noted = true
		}
	}
	return nil
}
