package handoff

import (
	"context"
	"time"
)

// Limits is how long things may take in a session: the settings of its agent as
// they were when it began.
type Limits struct {
	Wait    WaitTimeout       `json:"wait"`
	OnWait  WaitTimeoutAction `json:"on_wait"`
	Session SessionTimeout    `json:"session"`
	Silence time.Duration     `json:"silence,omitempty"` // 0 = off
	Longest time.Duration     `json:"longest"`

	WaitPrompt    string `json:"wait_prompt,omitempty"` // in the customer's locale
	SilencePrompt string `json:"silence_prompt,omitempty"`
}

func (s Settings) limits(locale string) Limits {
	s = s.WithDefaults()
	texts := s.TextsFor(locale)
	return Limits{
		Wait: s.WaitTimeout, OnWait: s.OnWaitTimeout, Session: s.SessionTimeout,
		Silence: s.HumanSilence, Longest: s.MaxSessionDuration,
		WaitPrompt: texts.WaitPrompt, SilencePrompt: texts.SilencePrompt,
	}
}

// Timers is when a session is due; a zero time is no timer. Each of them is
// armed and disarmed by what happens in the session, and a closed one has none.
type Timers struct {
	Wait    time.Time // the customer is asked whether to go on waiting, or the wait ends
	Idle    time.Time // the customer has not answered the human
	Silence time.Time // the human has not answered the customer
	Expiry  time.Time // the session has lasted too long
}

// Next returns the earliest timer; the zero time when there is none.
func (t Timers) Next() time.Time {
	var next time.Time
	for _, due := range []time.Time{t.Wait, t.Idle, t.Silence, t.Expiry} {
		if !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	return next
}

// Fire does what is due. It does nothing before that, so that it may be called
// once too often.
func (s *Session) Fire(now time.Time) {
	due := func(t time.Time) bool { return s.State != StateClosed && !t.IsZero() && !now.Before(t) }
	if due(s.Timers.Expiry) {
		s.Close(ClosedByExpiry, Outcome{}, now)
	}
	if due(s.Timers.Wait) {
		s.endWait(now)
	}
	if due(s.Timers.Idle) {
		s.Close(ClosedBySessionTimeout, Outcome{}, now)
	}
	if due(s.Timers.Silence) {
		s.Timers.Silence = time.Time{}
		s.log(WaitPrompted{Text: s.Limits.SilencePrompt}, now) // without a deadline: a human is there, only slow
	}
}

// endWait asks the customer whether to go on, or, when that was asked already,
// gives up. A provider that never took the start is to blame itself.
func (s *Session) endWait(now time.Time) {
	switch {
	case !s.Prompted && s.Limits.OnWait != WaitTimeoutClose:
		s.Prompted = true
		s.Timers.Wait = now.Add(time.Duration(s.Limits.Wait))
		s.log(WaitPrompted{Deadline: s.Timers.Wait, Text: s.Limits.WaitPrompt}, now)
	case s.State == StateRequested:
		s.Close(ClosedByProvider, Outcome{Note: "the provider did not take the session in time"}, now)
	default:
		s.Close(ClosedByWaitTimeout, Outcome{}, now)
	}
}

// ContinueWaiting starts a new wait. With a human there it has nothing to do.
func (s *Session) ContinueWaiting(now time.Time) error {
	switch s.State {
	case StateClosed:
		return ErrSessionClosed
	case StateActive:
		return nil
	default:
		s.startWait(now)
		return nil
	}
}

func (s *Session) startWait(now time.Time) {
	s.Prompted = false
	s.Timers.Wait = now.Add(time.Duration(s.Limits.Wait))
	s.changes.Touched = true
}

// customerSpoke answers a prompt, and makes it the human's turn.
func (s *Session) customerSpoke(now time.Time) {
	if s.Prompted {
		s.startWait(now)
	}
	s.Timers.Idle = time.Time{}
	if s.State == StateActive && s.Limits.Silence > 0 && s.Timers.Silence.IsZero() {
		s.Timers.Silence = now.Add(s.Limits.Silence)
	}
}

// humanSpoke ends the wait, and makes it the customer's turn.
func (s *Session) humanSpoke(now time.Time) {
	s.Prompted = false
	s.Timers.Wait, s.Timers.Silence = time.Time{}, time.Time{}
	s.Timers.Idle = now.Add(time.Duration(s.Limits.Session))
}

// ContinueWaiting answers a wait prompt: the customer goes on waiting.
func (svc *Service) ContinueWaiting(ctx context.Context, sessionID string) (*Session, error) {
	now := svc.now()
	return svc.update(ctx, sessionID, "", func(s *Session) error { return s.ContinueWaiting(now) })
}

// Fire does what is due in a session.
func (svc *Service) Fire(ctx context.Context, sessionID string) error {
	now := svc.now()
	_, err := svc.update(ctx, sessionID, "", func(s *Session) error {
		s.Fire(now)
		return nil
	})
	return err
}
