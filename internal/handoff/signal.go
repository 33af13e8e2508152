package handoff

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Signal is something passing: it goes to whoever looks now, and is not kept.
type Signal struct {
	Author Author // who typed or has read
	Kind   SignalKind
	Active bool   // of typing: it began, or it ended
	UpTo   uint64 // of read: all events up to this sequence were seen
}

// SignalKind says what passes.
type SignalKind string

// The kinds of signals.
const (
	SignalTyping SignalKind = "typing"
	SignalRead   SignalKind = "read"
)

// Signaler takes customers' signals to providers. It must not block; what it
// cannot carry, or has no room for, it drops.
type Signaler interface {
	Signal(s Session, signal Signal)
}

const (
	// signalInterval is how far apart signals of a session, an author and a kind are passed on.
	signalInterval = time.Second
	// maxSignals bounds the sessions whose last signals are remembered; beyond that
	// all start afresh.
	maxSignals = 10_000
)

// signals passes signals on to the streams of a session. All of it is in memory,
// and there is no queue: a stream that has not looked yet gets the latest of each
// author and kind.
type signals struct {
	mu        sync.Mutex
	listeners map[string]map[*listener]struct{} // by session
	last      map[signalKey]lastSignal
}

type signalKey struct {
	sessionID string
	author    Author
	kind      SignalKind
}

type lastSignal struct {
	signal  Signal
	time    time.Time
	started time.Time // when typing was last passed on as begun
}

// listener is a stream that wants the signals of an author.
type listener struct {
	author  Author
	wake    chan struct{}
	due     atomic.Bool           // something is pending
	pending map[SignalKind]Signal // guarded by signals.mu
}

// admit reports whether a signal is passed on. One like the last waits for a
// second to go by, and so does another beginning; the end of typing always passes.
func (x *signals) admit(sessionID string, s Signal, now time.Time) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	key := signalKey{sessionID, s.Author, s.Kind}
	last, known := x.last[key]
	recent := known && now.Sub(last.time) < signalInterval
	if recent && (last.signal == s || s.Kind == SignalRead) || s.Active && now.Sub(last.started) < signalInterval {
		return false
	}
	if x.last == nil || !known && len(x.last) >= maxSignals {
		x.last = map[signalKey]lastSignal{}
	}
	started := last.started
	if s.Active {
		started = now
	}
	x.last[key] = lastSignal{signal: s, time: now, started: started}
	return true
}

// show gives a signal to the streams of a session.
func (x *signals) show(sessionID string, s Signal) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for l := range x.listeners[sessionID] {
		if l.author != s.Author {
			continue
		}
		l.pending[s.Kind] = s
		l.due.Store(true)
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// listen returns a listener for an author's signals, until stop is called.
func (x *signals) listen(sessionID string, author Author) (l *listener, stop func()) {
	l = &listener{author: author, wake: make(chan struct{}, 1), pending: map[SignalKind]Signal{}}
	if author == "" {
		return l, func() {}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.listeners == nil {
		x.listeners = map[string]map[*listener]struct{}{}
	}
	if x.listeners[sessionID] == nil {
		x.listeners[sessionID] = map[*listener]struct{}{}
	}
	x.listeners[sessionID][l] = struct{}{}
	return l, func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		delete(x.listeners[sessionID], l)
		if len(x.listeners[sessionID]) == 0 {
			delete(x.listeners, sessionID)
		}
	}
}

// take returns what has come since it was last called. Streams call it with each
// event, so it takes no lock unless something has come.
func (x *signals) take(l *listener) []Signal {
	if !l.due.Load() {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	l.due.Store(false)
	var all []Signal
	for _, kind := range []SignalKind{SignalRead, SignalTyping} {
		if s, ok := l.pending[kind]; ok {
			all = append(all, s)
			delete(l.pending, kind)
		}
	}
	return all
}

// SendSignal passes on a signal of the customer's or of the built-in desk's
// human: to the other side's streams, and a customer's to the provider. A closed
// session takes none.
func (svc *Service) SendSignal(ctx context.Context, sessionID string, signal Signal) error {
	s, err := svc.store.Session(ctx, sessionID)
	if err != nil {
		return err
	}
	if s.State == StateClosed {
		return ErrSessionClosed
	}
	signal.UpTo = min(signal.UpTo, s.LastSequence)
	if !svc.signals.admit(sessionID, signal, svc.now()) {
		return nil
	}
	svc.signals.show(sessionID, signal)
	if signal.Author == AuthorCustomer && svc.signaler != nil {
		svc.signaler.Signal(*s, signal)
	}
	return nil
}

// receiveSignal passes on a signal of a provider's human. What comes too late is dropped.
func (svc *Service) receiveSignal(ctx context.Context, connectionID string, in Inbound) error {
	s, err := svc.store.Session(ctx, in.SessionID)
	if err != nil {
		return err
	}
	if s.ConnectionID != connectionID {
		return ErrSessionNotFound
	}
	signal := Signal{Author: AuthorHuman, Kind: SignalRead, UpTo: s.LastSequence}
	if typing, ok := in.Body.(HumanTyping); ok {
		signal = Signal{Author: AuthorHuman, Kind: SignalTyping, Active: typing.Active}
	}
	if s.State != StateClosed && svc.signals.admit(s.ID, signal, svc.now()) {
		svc.signals.show(s.ID, signal)
	}
	return nil
}

func passing(body InboundBody) bool {
	switch body.(type) {
	case HumanTyping, HumanRead:
		return true
	}
	return false
}
