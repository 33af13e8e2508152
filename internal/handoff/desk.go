package handoff

import (
	"context"
	"time"
)

// The commands of this file are those of a desk that is part of this program:
// its humans act on the session directly.

// Claim gives a session that nobody has to a human. Claiming again changes nothing.
func (s *Session) Claim(human string, now time.Time) error {
	switch {
	case s.State == StateClosed:
		return ErrSessionClosed
	case s.Assignee == human:
		return nil
	case s.Assignee != "":
		return Errorf(CodePrecondition, "SESSION_TAKEN", "%s has this session; ask for a transfer", s.Assignee)
	}
	s.Assign(human, "", now)
	return nil
}

// Assign gives a session to a human, or back to the queue when human is empty.
// The note is for whoever gets it.
func (s *Session) Assign(human, note string, now time.Time) {
	if s.Assignee != human {
		if s.Assignee != "" {
			s.log(ParticipantChanged{Name: s.Assignee}, now)
		}
		if human != "" {
			s.log(ParticipantChanged{Name: human, Joined: true}, now)
		}
	}
	s.Assignee, s.AssignNote = human, note
	s.changes.Touched = true
}

// Reply logs what a human of the desk says; who speaks has the session from then
// on. A repeat returns the first message.
func (s *Session) Reply(in HumanMessage, messageID string, now time.Time) (Message, error) {
	if s.Repeat != nil && s.Repeat.Message != nil {
		return *s.Repeat.Message, nil
	}
	if err := s.Claim(in.AuthorName, now); err != nil {
		return Message{}, err
	}
	s.Receive(in, messageID, now)
	for _, e := range s.changes.Events {
		if m, ok := e.Body.(MessageLogged); ok && e.Sequence == s.changes.KeySeq {
			return m.Message, nil
		}
	}
	return Message{}, Errorf(CodeInternal, "REPLY_NOT_LOGGED", "a reply was not logged")
}

// Claim gives a session of the built-in desk to a human.
func (svc *Service) Claim(ctx context.Context, sessionID, human string) (*Session, error) {
	now := svc.now()
	return svc.update(ctx, sessionID, "", func(s *Session) error { return s.Claim(human, now) })
}

// Transfer gives a session of the built-in desk to a colleague, or back to the
// queue when human is empty.
func (svc *Service) Transfer(ctx context.Context, sessionID, human, note string) (*Session, error) {
	now := svc.now()
	return svc.update(ctx, sessionID, "", func(s *Session) error {
		if s.State == StateClosed {
			return ErrSessionClosed
		}
		s.Assign(human, note, now)
		return nil
	})
}

// Reply takes a human's message from the built-in desk, with the files that are
// named beside it. With a known client message id it returns the first message.
func (svc *Service) Reply(ctx context.Context, sessionID string, in HumanMessage, files ...AttachmentInput) (Message, error) {
	key := ""
	if in.ClientMessageID != "" {
		key = "desk:" + in.ClientMessageID
	}
	var err error
	if in.Attachments, err = svc.take(ctx, sessionID, key, files); err != nil {
		return Message{}, err
	}
	messageID, now := svc.newID("msg"), svc.now()
	var said Message
	_, err = svc.update(ctx, sessionID, key, func(s *Session) (err error) {
		said, err = s.Reply(in, messageID, now)
		return err
	})
	return said, err
}

// Start returns what was handed over at the start of a session.
func (svc *Service) Start(ctx context.Context, sessionID string) (Start, error) {
	return svc.store.Start(ctx, sessionID)
}

// FollowAgent returns a channel that is ready after each change of one of the
// agent's sessions, until stop is called.
func (svc *Service) FollowAgent(agentID string) (wake <-chan struct{}, stop func()) {
	return svc.waker.FollowAgent(agentID)
}
