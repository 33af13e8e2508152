package feed

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// Why a feed is disabled, as the API names it.
const (
	disabledByOperator = "OPERATOR"
	disabledGone       = "GONE"
	disabledFailing    = "FAILING"
)

const (
	// maxFailing is for how long nothing but failures are borne.
	maxFailing = 5 * 24 * time.Hour
	// noteAfter is for how long a feed has to fail until it counts as failing. One
	// session's trouble among others' successes never does.
	noteAfter = time.Minute
)

var errSetAnew = errors.New("the feed was set anew")

// judge learns from a call how the feed fares, and disables it when it is beyond
// hope.
func (svc *Service) judge(ctx context.Context, t attempt, callErr error) {
	f := t.lane.feed
	svc.mu.Lock()
	if f.stored.Disabled != "" || f.stored.URL != t.target.url {
		svc.mu.Unlock()
		return // it says nothing of what was set since
	}
	before := f.state()
	version := f.stored.Version
	reason, noteworthy := f.learn(callErr, svc.now())
	changed := f.state() != before
	if changed && callErr == nil {
		svc.hurry(f)
		svc.pump(f)
	}
	svc.mu.Unlock()
	if changed {
		svc.onState(t.target.agentID)
	}
	if reason == "" && !noteworthy {
		return
	}
	if err := svc.keep(context.WithoutCancel(ctx), f, t.target.agentID, version, reason); err != nil {
		svc.log.ErrorContext(ctx, "event_webhook.note", slog.String("agent_id", t.target.agentID), slog.Any("error", err))
	}
}

// learn keeps what a call says. It returns why the feed has to be disabled, and
// whether something is worth storing.
func (f *feed) learn(err error, now time.Time) (reason string, noteworthy bool) {
	if err == nil {
		noteworthy = f.failing
		f.failingSince, f.lastError, f.failing = time.Time{}, "", false
		return "", noteworthy
	}
	if f.failingSince.IsZero() {
		f.failingSince = now
	}
	f.lastError = err.Error()
	lasts := now.Sub(f.failingSince)
	switch {
	case statusOf(err) == http.StatusGone:
		return disabledGone, true
	case lasts >= maxFailing:
		return disabledFailing, true
	}
	noteworthy = lasts >= noteAfter && !f.failing
	f.failing = f.failing || noteworthy
	return "", noteworthy
}

// keep stores how a feed fares and, with a reason, disables it.
func (svc *Service) keep(ctx context.Context, f *feed, agentID string, version int64, reason string) error {
	svc.configuring.Lock()
	defer svc.configuring.Unlock()
	var stored Feed
	err := svc.store.UpdateFeed(ctx, agentID, false, func(s *Feed) error {
		svc.mu.Lock()
		defer svc.mu.Unlock()
		if s.Version != version || s.Disabled != "" {
			return errSetAnew
		}
		s.FailingSince, s.LastError = f.failingSince, f.lastError
		if reason != "" {
			s.Disabled, s.DisableTime = reason, svc.now()
		}
		stored = *s
		return nil
	})
	if errors.Is(err, errSetAnew) {
		return nil
	}
	if err != nil {
		return err
	}
	stored.Version++
	svc.mu.Lock()
	f.stored = stored
	if reason != "" {
		svc.dropLanes(f)
	}
	svc.mu.Unlock()
	if reason != "" {
		svc.log.ErrorContext(ctx, "event_webhook.disabled", slog.String("agent_id", agentID), slog.String("reason", reason),
			slog.String("error", stored.LastError), slog.String("advice", "nothing is sent until SetEventWebhook is called again; it then goes on where it was"))
		svc.onDisabled(reason)
		svc.onState(agentID)
	}
	return nil
}
