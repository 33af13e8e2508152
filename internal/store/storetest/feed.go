package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/feed"
	"github.com/human-handoff/handoff/internal/handoff"
)

var feedTests = map[string]func(t *testing.T, db Database){
	"FeedsAreKept":                        testFeedKept,
	"ANewFeedBeginsBehindWhatThereIs":     testFeedBeginning,
	"AFeedFromTheStartHasAllOfWhatIsOpen": testFeedFromStart,
	"CursorsMoveForwardAlone":             testCursor,
	"WhatIsBehindIsFoundAgain":            testBehind,
	"FeedDeliveriesAreListed":             testFeedDeliveries,
}

func setFeed(t *testing.T, s Store, agentID string, fromStart bool) {
	t.Helper()
	require.NoError(t, s.UpdateFeed(t.Context(), agentID, fromStart, func(f *feed.Feed) error {
		f.URL, f.Secret, f.CreateTime = "https://example.com/"+agentID, []byte("sealed"), at(1)
		return nil
	}))
}

func head(t *testing.T, s Store, sessionID string) (h feed.Head, ok bool) {
	t.Helper()
	h, ok, err := s.FeedHead(t.Context(), sessionID, 10)
	require.NoError(t, err)
	return h, ok
}

func due(t *testing.T, s Store, sessionID string) (sequences []uint64) {
	t.Helper()
	h, ok := head(t, s, sessionID)
	require.True(t, ok)
	for _, e := range h.Events {
		sequences = append(sequences, e.Sequence)
	}
	return sequences
}

func move(t *testing.T, s Store, sessionID string, delivered uint64) (more bool) {
	t.Helper()
	more, err := s.SetCursor(t.Context(), feed.Cursor{SessionKey: feed.SessionKey{SessionID: sessionID, AgentID: "agent"}, Delivered: delivered})
	require.NoError(t, err)
	return more
}

func behind(t *testing.T, s Store, agentID string) (ids []string) {
	t.Helper()
	keys, err := s.Behind(t.Context(), agentID)
	require.NoError(t, err)
	for _, k := range keys {
		require.Equal(t, "agent", k.AgentID)
		ids = append(ids, k.SessionID)
	}
	return ids
}

func testFeedKept(t *testing.T, db Database) {
	s := db.Open(t)
	ctx := t.Context()
	_, err := s.Feed(ctx, "agent")
	require.ErrorIs(t, err, feed.ErrNotFound)
	require.ErrorIs(t, s.DeleteFeed(ctx, "agent"), feed.ErrNotFound)
	full := feed.Feed{
		AgentID: "agent", URL: "https://example.com/ä?b=c", Secret: []byte{0, 1, 255}, Kinds: []handoff.EventKind{handoff.KindMessage, handoff.KindStateChanged},
		Disabled: "GONE", DisableTime: at(3), FailingSince: at(2), LastError: "the address answered 410 Gone", CreateTime: at(1), Version: 1,
	}
	require.NoError(t, s.UpdateFeed(ctx, "agent", false, func(f *feed.Feed) error {
		if f.AgentID != "agent" || f.Version != 0 {
			return fmt.Errorf("a new one is blank: %v", f)
		}
		*f = full
		f.Version = 0
		return nil
	}))
	got, err := s.Feed(ctx, "agent")
	require.NoError(t, err)
	require.Equal(t, &full, got)

	refused := errors.New("no")
	require.ErrorIs(t, s.UpdateFeed(ctx, "agent", false, func(f *feed.Feed) error { f.URL = "x"; return refused }), refused)
	require.NoError(t, s.UpdateFeed(ctx, "agent", true, func(f *feed.Feed) error { f.Disabled, f.Kinds = "", nil; return nil }))
	setFeed(t, s, "zoo", false)
	require.NoError(t, s.Close())
	s = db.Open(t)
	list, err := s.Feeds(ctx)
	require.NoError(t, err)
	full.Disabled, full.Kinds, full.Version = "", nil, 2
	require.Len(t, list, 2)
	require.Equal(t, full, list[0])
	require.Equal(t, "zoo", list[1].AgentID)

	require.NoError(t, s.DeleteFeed(ctx, "agent"))
	_, err = s.Feed(ctx, "agent")
	require.ErrorIs(t, err, feed.ErrNotFound)
}

func testFeedBeginning(t *testing.T, db Database) {
	s := db.Open(t)
	create(t, s, "closed")
	closeSession(t, s, "closed")
	create(t, s, "open")
	_, ok := head(t, s, "open")
	require.False(t, ok, "there is no feed")
	_, ok = head(t, s, "nothing")
	require.False(t, ok)
	setFeed(t, s, "agent", false)
	create(t, s, "new")
	_, ok = head(t, s, "closed")
	require.False(t, ok, "its log ended before")
	require.Empty(t, due(t, s, "open"))
	require.Equal(t, []uint64{1}, due(t, s, "new"))
	accept(t, s, "open", "m1", "")
	h, ok := head(t, s, "open")
	require.True(t, ok)
	require.Equal(t, "of open", h.ConversationID)
	require.Equal(t, feed.SessionKey{SessionID: "open", AgentID: "agent"}, h.SessionKey)
	require.Equal(t, "text of m1", h.Events[0].Body.(handoff.MessageLogged).Message.Text)
	require.Len(t, h.Events, 1)
	accept(t, s, "new", "m2", "")
	h, ok, err := s.FeedHead(t.Context(), "new", 1)
	require.NoError(t, err)
	require.True(t, ok)
	require.Len(t, h.Events, 1, "no more than asked for")
}

func testFeedFromStart(t *testing.T, db Database) {
	s := db.Open(t)
	create(t, s, "closed")
	closeSession(t, s, "closed")
	create(t, s, "open")
	createIn(t, s, "foreign", handoff.ConversationKey{AgentID: "other", ConversationID: "x"})
	setFeed(t, s, "agent", true)
	require.Equal(t, []string{"open"}, behind(t, s, "agent"))
	require.Equal(t, []uint64{1}, due(t, s, "open"))
	_, ok := head(t, s, "closed")
	require.False(t, ok)
	_, ok = head(t, s, "foreign")
	require.False(t, ok)
}

func testCursor(t *testing.T, db Database) {
	s := db.Open(t)
	require.False(t, move(t, s, "nothing", 1))
	setFeed(t, s, "agent", false)
	create(t, s, "a")
	accept(t, s, "a", "m1", "")
	failed := feed.Cursor{
		SessionKey: feed.SessionKey{SessionID: "a", AgentID: "agent"}, Attempts: 3, NextAttempt: at(20), FailingSince: at(10), LastError: "why",
	}
	more, err := s.SetCursor(t.Context(), failed)
	require.NoError(t, err)
	require.True(t, more)
	h, _ := head(t, s, "a")
	require.Equal(t, failed, h.Cursor)
	require.Len(t, h.Events, 2)
	require.True(t, move(t, s, "a", 1))
	require.Equal(t, []uint64{2}, due(t, s, "a"))
	require.False(t, move(t, s, "a", 2))
	require.False(t, move(t, s, "a", 1), "somebody else got further")
	h, _ = head(t, s, "a")
	require.Equal(t, uint64(2), h.Delivered)
	require.Zero(t, h.Attempts)
	require.NoError(t, s.DeleteFeed(t.Context(), "agent"))
	require.False(t, move(t, s, "a", 2), "the feed is gone")
	setFeed(t, s, "agent", false)
	require.Empty(t, due(t, s, "a"), "a new one begins with what comes")
}

func testBehind(t *testing.T, db Database) {
	s := db.Open(t)
	ctx := t.Context()
	create(t, s, "before")
	setFeed(t, s, "agent", false)
	require.Empty(t, behind(t, s, ""))
	for _, id := range []string{"a", "b", "c"} {
		create(t, s, id)
	}
	require.ElementsMatch(t, []string{"a", "b", "c"}, behind(t, s, ""))
	move(t, s, "a", 1)
	last, err := s.LastChange(ctx)
	require.NoError(t, err)
	keys := []feed.SessionKey{{SessionID: "b", AgentID: "agent"}, {SessionID: "a", AgentID: "agent"}, {SessionID: "before", AgentID: "agent"}}
	require.NoError(t, s.Checkpoint(ctx, keys, last))
	require.Equal(t, []string{"b"}, behind(t, s, ""), "what was noted and is not delivered, and nothing else up to the place")
	require.NoError(t, s.Checkpoint(ctx, nil, 1))
	require.Equal(t, []string{"b"}, behind(t, s, ""), "a place never goes back")
	accept(t, s, "c", "m1", "")
	require.NoError(t, s.Close())
	s = db.Open(t)
	require.ElementsMatch(t, []string{"b", "c"}, behind(t, s, "agent"))
	require.False(t, move(t, s, "b", 1))
	require.Equal(t, []string{"c"}, behind(t, s, ""))

	require.NoError(t, s.UpdateFeed(ctx, "agent", false, func(f *feed.Feed) error { f.Disabled = "GONE"; return nil }))
	last, err = s.LastChange(ctx)
	require.NoError(t, err)
	require.NoError(t, s.Checkpoint(ctx, nil, last))
	require.Empty(t, behind(t, s, ""))
	require.Equal(t, []string{"c"}, behind(t, s, "agent"), "a disabled feed keeps its place")
}

func testFeedDeliveries(t *testing.T, db Database) {
	s := db.Open(t)
	ctx := t.Context()
	setFeed(t, s, "agent", false)
	for _, id := range []string{"a", "b", "c"} {
		create(t, s, id)
		accept(t, s, id, "m1", "")
		move(t, s, id, 1)
	}
	_, err := s.SetCursor(ctx, feed.Cursor{SessionKey: feed.SessionKey{SessionID: "b"}, Delivered: 1, Attempts: 1, NextAttempt: at(9), FailingSince: at(8), LastError: "why"})
	require.NoError(t, err)
	page, next, err := s.EventDeliveries(ctx, feed.DeliveryFilter{}, handoff.Page{Size: 2})
	require.NoError(t, err)
	require.Equal(t, "c", page[0].SessionID)
	require.Equal(t, feed.Delivery{Last: 2, Cursor: feed.Cursor{
		SessionKey: feed.SessionKey{SessionID: "b", AgentID: "agent"}, Delivered: 1, Attempts: 1, NextAttempt: at(9), FailingSince: at(8), LastError: "why",
	}}, page[1])
	page, next, err = s.EventDeliveries(ctx, feed.DeliveryFilter{}, handoff.Page{Size: 2, Token: next})
	require.NoError(t, err)
	require.Empty(t, next)
	require.Equal(t, "a", page[0].SessionID)
	for f, want := range map[feed.DeliveryFilter]int{
		{AgentID: "agent"}: 3, {AgentID: "other"}: 0, {SessionID: "c"}: 1, {SessionID: "nothing"}: 0, {Failing: true}: 1, {AgentID: "agent", SessionID: "a", Failing: true}: 0,
	} {
		page, _, err = s.EventDeliveries(ctx, f, handoff.Page{})
		require.NoError(t, err)
		require.Len(t, page, want, "%+v", f)
	}
	_, _, err = s.EventDeliveries(ctx, feed.DeliveryFilter{}, handoff.Page{Token: "x"})
	require.ErrorIs(t, err, handoff.ErrBadPageToken)
}
