package handoff

import (
	"context"
	"errors"
)

// ErrNotSent says that a provider's id is that of nothing that we sent.
var ErrNotSent = &Error{Code: CodeNotFound, Reason: "NOT_SENT", Message: "the provider's id belongs to no message that was sent to it"}

// HeldStatus is a status that came before its message's id was known.
type HeldStatus struct {
	ID           int64 // given by the store
	ConnectionID string
	VendorID     string
	Status       StatusReported
}

// Receive applies what the provider of a connection told us. ErrSessionClosed
// when it came too late; a human's message is kept even then. ErrLoop when the
// provider seems to send our own messages back without end.
func (svc *Service) Receive(ctx context.Context, connectionID string, in Inbound) error {
	if status, ok := in.Body.(StatusReported); ok {
		return svc.receiveStatus(ctx, connectionID, in.VendorID, status)
	}
	message, isMessage := in.Body.(HumanMessage)
	if isMessage {
		if echo, err := svc.isEcho(ctx, connectionID, in.VendorID); err != nil || echo {
			return err
		}
	}
	if in.SessionID == "" {
		s, err := svc.store.SessionByRef(ctx, connectionID, in.Ref)
		if err != nil {
			return err
		}
		in.SessionID = s.ID
	}
	if passing(in.Body) {
		return svc.receiveSignal(ctx, connectionID, in)
	}
	if isMessage && !in.Asked && message.Text != "" && svc.loops.repeats(in.SessionID, message.Text, svc.now()) {
		return ErrLoop
	}
	return svc.receive(ctx, connectionID, in)
}

func (svc *Service) receive(ctx context.Context, connectionID string, in Inbound) error {
	key := ""
	if in.Key != "" {
		key = "provider:" + in.Key
	}
	messageID, now := svc.newID("msg"), svc.now()
	in = svc.expect(connectionID, in, messageID)
	late := false
	s, err := svc.update(ctx, in.SessionID, key, func(s *Session) error {
		if s.ConnectionID != connectionID {
			return ErrSessionNotFound
		}
		if s.Repeat != nil && s.Repeat.outlived(in.Window, now) {
			s.Repeat, s.changes.Rekey = nil, true
		}
		late = s.Receive(in.Body, messageID, now)
		if _, closes := in.Body.(HumanClosed); closes && svc.caps(s.Provider).ShowsEnd {
			s.showEnd(now)
		}
		return nil
	})
	if err == nil {
		svc.confirm(s, in, late)
	}
	if err == nil && late {
		return ErrSessionClosed
	}
	if err == nil && len(s.changes.Expected) > 0 {
		svc.files.Expected()
	}
	return err
}

// isEcho reports whether a message that came in is one that we sent.
func (svc *Service) isEcho(ctx context.Context, connectionID, vendorID string) (bool, error) {
	if vendorID == "" {
		return false, nil
	}
	_, err := svc.store.Sent(ctx, connectionID, vendorID)
	if errors.Is(err, ErrNotSent) {
		return false, nil
	}
	return err == nil, err
}

// receiveStatus applies how far a message got. A status may overtake the answer
// to the call that sent the message; it then waits until the id is known.
func (svc *Service) receiveStatus(ctx context.Context, connectionID, vendorID string, r StatusReported) error {
	d, err := svc.store.Sent(ctx, connectionID, vendorID)
	if !errors.Is(err, ErrNotSent) {
		if err == nil {
			err = svc.report(ctx, d, r)
		}
		return err
	}
	if err := svc.store.Hold(ctx, HeldStatus{ConnectionID: connectionID, VendorID: vendorID, Status: r}, svc.now()); err != nil {
		return err
	}
	// The answer may have come between the look and the hold. Whoever comes second
	// finds what the other has written.
	return svc.releaseHeld(ctx, connectionID, vendorID)
}

// releaseHeld applies the statuses that wait for an id, if it is known.
func (svc *Service) releaseHeld(ctx context.Context, connectionID, vendorID string) error {
	held, err := svc.store.Held(ctx, connectionID, vendorID)
	if err != nil {
		return err
	}
	for _, h := range held {
		d, err := svc.store.Sent(ctx, connectionID, vendorID) // anew: the status before has changed it
		if errors.Is(err, ErrNotSent) {
			return nil
		}
		if err == nil {
			err = svc.report(ctx, d, h.Status)
		}
		if err == nil {
			err = svc.store.Unhold(ctx, h.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (svc *Service) report(ctx context.Context, d Delivery, r StatusReported) error {
	now := svc.now()
	_, err := svc.update(ctx, d.SessionID, "", func(s *Session) error {
		s.Report(d, r, now)
		return nil
	})
	return err
}
