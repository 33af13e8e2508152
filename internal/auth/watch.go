package auth

import (
	"context"
	"log/slog"
	"time"
)

const (
	// refreshEvery bounds how long a key outlives its revocation by another
	// process; the contract allows a second.
	refreshEvery = 900 * time.Millisecond
	// flushEvery is the resolution of a key's last use.
	flushEvery = time.Minute
)

type watcher struct{ cancel context.CancelCauseFunc }

// Guard returns a context that ends, with ErrUnauthenticated as its cause, when
// the principal's key is revoked. stop frees it.
func (a *Authenticator) Guard(ctx context.Context, p Principal) (guarded context.Context, stop func()) {
	guarded, cancel := context.WithCancelCause(ctx)
	if p.KeyID == "" {
		return guarded, func() { cancel(nil) }
	}
	w := &watcher{cancel: cancel}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.watchers[p.KeyID] == nil {
		a.watchers[p.KeyID] = map[*watcher]struct{}{}
	}
	a.watchers[p.KeyID][w] = struct{}{}
	return guarded, func() {
		cancel(nil)
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.watchers[p.KeyID], w)
		if len(a.watchers[p.KeyID]) == 0 {
			delete(a.watchers, p.KeyID)
		}
	}
}

// forget ends a revoked key here.
func (a *Authenticator) forget(k Key) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.valid, string(k.Hash))
	for w := range a.watchers[k.ID] {
		w.cancel(ErrUnauthenticated)
	}
}

// Run follows what other processes revoke, and notes when keys were used, until
// ctx is done.
func (a *Authenticator) Run(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	flushed := a.now()
	for {
		select {
		case <-ctx.Done():
			a.flush(context.WithoutCancel(ctx), log)
			return
		case <-tick.C:
		}
		if err := a.refresh(ctx); err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "keys.refresh", slog.Any("error", err))
		}
		if now := a.now(); now.Sub(flushed) >= flushEvery {
			flushed = now
			a.flush(ctx, log)
		}
	}
}

func (a *Authenticator) refresh(ctx context.Context) error {
	keys, err := a.store.Keys(ctx)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if !k.RevokeTime.IsZero() {
			a.forget(k)
		}
	}
	return nil
}

func (a *Authenticator) flush(ctx context.Context, log *slog.Logger) {
	a.mu.Lock()
	used := a.used
	a.used = map[string]time.Time{}
	a.mu.Unlock()
	if len(used) == 0 {
		return
	}
	if err := a.store.TouchKeys(ctx, used); err != nil {
		log.WarnContext(ctx, "keys.touch", slog.Any("error", err))
	}
}
