package handoff_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
)

func TestClaim(t *testing.T) {
	t.Parallel()
	s := newSession()
	require.NoError(t, s.Claim("Ann", t0))
	require.NoError(t, s.Claim("Ann", t0), "claiming again changes nothing")
	require.Equal(t, []string{"requested", "handoff.ParticipantChanged"}, kinds(s))
	require.NotEqual(t, handoff.StateActive, s.State, "claiming does not make a session active")
	err := s.Claim("Bob", t0)
	require.Equal(t, handoff.CodePrecondition, handoff.CodeOf(err))
	require.ErrorContains(t, err, "Ann")

	s.Assign("Bob", "speaks German", t0)
	require.Equal(t, "Bob", s.Assignee)
	require.Equal(t, "speaks German", s.AssignNote)
	s.Assign("", "", t0)
	require.NoError(t, s.Claim("Ann", t0), "back in the queue, anybody may have it")

	s.Close(handoff.ClosedByCustomer, handoff.Outcome{}, t0)
	require.ErrorIs(t, s.Claim("Ann", t0), handoff.ErrSessionClosed)
}

func TestReplyAtTheDesk(t *testing.T) {
	t.Parallel()
	s := newSession()
	m, err := s.Reply(handoff.HumanMessage{AuthorName: "Ann", Text: "hello", ClientMessageID: "c1"}, "m1", t0)
	require.NoError(t, err)
	require.Equal(t, "m1", m.ID)
	require.Equal(t, "c1", m.ClientMessageID)
	require.Equal(t, []string{"requested", "handoff.ParticipantChanged", "waiting", "message:human", "active"}, kinds(s))
	require.EqualValues(t, 4, s.Changes().KeySeq, "the key stands for the message")

	_, err = s.Reply(handoff.HumanMessage{AuthorName: "Bob", Text: "me too"}, "m2", t0)
	require.Equal(t, handoff.CodePrecondition, handoff.CodeOf(err))

	s.Repeat = &handoff.Repeat{Message: &m}
	again, err := s.Reply(handoff.HumanMessage{AuthorName: "Ann", Text: "hello"}, "m3", t0)
	require.NoError(t, err)
	require.Equal(t, m, again)
	s.Repeat = nil

	s.Close(handoff.ClosedByHuman, handoff.Outcome{}, t0)
	_, err = s.Reply(handoff.HumanMessage{AuthorName: "Ann", Text: "late"}, "m4", t0)
	require.ErrorIs(t, err, handoff.ErrSessionClosed)
}

func TestANoteAloneIsAChange(t *testing.T) {
	t.Parallel()
	s := &handoff.Session{ID: "s", State: handoff.StateActive, Assignee: "Ann"}
	s.Assign("Ann", "speaks German", t0)
	require.True(t, s.Changed())
	require.Empty(t, s.Changes().Events)
}
