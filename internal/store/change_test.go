package store_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/store"
)

func openSession(t *testing.T, s *store.Store, id string) {
	t.Helper()
	_, _, err := s.Create(t.Context(), handoff.ConversationKey{AgentID: "a", ConversationID: id}, "", func(epoch uint64) (*handoff.Session, error) {
		return handoff.NewSession(handoff.Session{ID: id, AgentID: "a", ConversationID: id}, handoff.Start{}, epoch, time.Now()), nil
	})
	require.NoError(t, err)
}

func say(t *testing.T, s *store.Store, id, text string) {
	t.Helper()
	require.NoError(t, s.Update(t.Context(), id, "", func(ses *handoff.Session) error {
		_, err := ses.Accept(handoff.Message{ID: "m-" + text, Text: text}, time.Now())
		return err
	}))
}

func changedIDs(t *testing.T, s *store.Store, after uint64) (ids []string) {
	t.Helper()
	last, err := s.LastChange(t.Context())
	require.NoError(t, err)
	list, err := s.Changes(t.Context(), handoff.SessionFilter{}, after, last, 1000)
	require.NoError(t, err)
	for _, ses := range list {
		ids = append(ids, ses.ID)
	}
	return ids
}

// TestChangesAfterACrash: what a crash takes away of the order of changes is made
// up for by showing everything that is open once more.
func TestChangesAfterACrash(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	s := f.open(t)
	for _, id := range []string{"said", "quiet", "closed", "over"} {
		openSession(t, s, id)
	}
	require.NoError(t, s.Update(t.Context(), "over", "", func(ses *handoff.Session) error {
		ses.Close(handoff.ClosedByCustomer, handoff.Outcome{}, time.Now())
		return nil
	}))
	seen, err := s.LastChange(t.Context())
	require.NoError(t, err)
	say(t, s, "said", "hello")
	require.NoError(t, s.Update(t.Context(), "closed", "", func(ses *handoff.Session) error {
		ses.Close(handoff.ClosedByCustomer, handoff.Outcome{}, time.Now())
		return nil
	}))
	require.Equal(t, []string{"said", "closed"}, changedIDs(t, s, seen))

	crashed := newFile(t)
	for _, suffix := range []string{"", "-wal"} { // as the disk is after a SIGKILL
		content, err := os.ReadFile(string(f) + suffix)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(string(crashed)+suffix, content, 0o600))
	}
	after := crashed.open(t)
	require.NotContains(t, changedIDs(t, after, seen), "quiet", "a program beside the server moves nothing")
	require.NoError(t, after.RecoverChanges(t.Context()))
	require.ElementsMatch(t, []string{"said", "quiet", "closed"}, changedIDs(t, after, seen))
	say(t, after, "quiet", "hi")
	ids := changedIDs(t, after, seen)
	require.Equal(t, "quiet", ids[len(ids)-1], "new places are later than all before")

	require.NoError(t, s.Close())
	again := f.open(t)
	require.NoError(t, again.RecoverChanges(t.Context()))
	require.Equal(t, []string{"said", "closed"}, changedIDs(t, again, seen), "a close in peace keeps the order")
}

// TestManyChanges: more than memory keeps are saved on the way, and pages stay whole.
func TestManyChanges(t *testing.T) {
	t.Parallel()
	s := newFile(t).open(t)
	store.SetMaxUnsaved(s, 50)
	const sessions = 400
	for i := range sessions {
		openSession(t, s, fmt.Sprint(i))
	}
	seen, err := s.LastChange(t.Context())
	require.NoError(t, err)
	for i := range sessions {
		say(t, s, fmt.Sprint(i), fmt.Sprint(i))
	}
	last, err := s.LastChange(t.Context())
	require.NoError(t, err)
	got := 0
	for after := seen; ; {
		page, err := s.Changes(t.Context(), handoff.SessionFilter{AgentID: "a"}, after, last, 70)
		require.NoError(t, err)
		for _, ses := range page {
			require.Equal(t, fmt.Sprint(got), ses.ID)
			got++
		}
		if len(page) < 70 {
			break
		}
		after = page[len(page)-1].Change
	}
	require.Equal(t, sessions, got)
}
