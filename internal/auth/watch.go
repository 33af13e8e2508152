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
// the principal's key is revoked or its session of the console is over. stop
// frees it.
func (a *Authenticator) Guard(ctx context.Context, p Principal) (guarded context.Context, stop func()) {
	release := func() {}
	if !p.End.IsZero() {
		ctx, release = context.WithTimeoutCause(ctx, p.End.Sub(a.now()), ErrUnauthenticated)
	}
	guarded, cancel := context.WithCancelCause(ctx)
	if p.KeyID == "" {
		return guarded, func() { cancel(nil); release() }
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
		release()
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
// ctx is done. While no stored key is in use it does nothing.
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
		case <-a.wake:
			tick.Reset(refreshEvery)
			continue
		}
		if err := a.refresh(ctx); err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "keys.refresh", slog.Any("error", err))
		}
		if now := a.now(); now.Sub(flushed) >= flushEvery {
			flushed = now
			a.flush(ctx, log)
		}
		if a.idle() {
			tick.Stop()
		}
	}
}

// idle reports whether there is nothing to follow.
func (a *Authenticator) idle() bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return len(a.valid)+len(a.watchers)+len(a.used) == 0
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
	for hash, k := range a.valid { // those that are out of use are looked up again
		if used[k.ID].IsZero() && a.watchers[k.ID] == nil {
			delete(a.valid, hash)
		}
	}
	a.mu.Unlock()
	if len(used) == 0 {
		return
	}
	if err := a.store.TouchKeys(ctx, used); err != nil {
		log.WarnContext(ctx, "keys.touch", slog.Any("error", err))
	}
}
