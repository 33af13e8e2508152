package storetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
)

var changeTests = map[string]func(t *testing.T, db Database){
	"ChangesComeInTheOrderOfTheCommits": testChangeOrder,
	"WhatNobodySeesIsNoChange":          testUnseenChanges,
	"ChangesHaveOnePlaceEach":           testConcurrentChanges,
}

// changed returns the ids of the sessions that changed after a place, in order.
func changed(t *testing.T, s Store, f handoff.SessionFilter, after uint64) (ids []string, last uint64) {
	t.Helper()
	last, err := s.LastChange(t.Context())
	require.NoError(t, err)
	list, err := s.Changes(t.Context(), f, after, last, 100)
	require.NoError(t, err)
	for i, ses := range list {
		require.Greater(t, ses.Change, after)
		require.True(t, i == 0 || list[i-1].Change < ses.Change)
		ids = append(ids, ses.ID)
	}
	return ids, last
}

func testChangeOrder(t *testing.T, db Database) {
	s := db.Open(t)
	last, err := s.LastChange(t.Context())
	require.NoError(t, err)
	require.Zero(t, last)
	for _, id := range []string{"a", "b", "c"} {
		create(t, s, id)
	}
	ids, before := changed(t, s, handoff.SessionFilter{}, 0)
	require.Equal(t, []string{"a", "b", "c"}, ids)
	accept(t, s, "b", "m1", "")
	closeSession(t, s, "a")
	ids, last = changed(t, s, handoff.SessionFilter{}, before)
	require.Equal(t, []string{"b", "a"}, ids)

	ids, _ = changed(t, s, handoff.SessionFilter{States: []handoff.State{handoff.StateClosed}}, 0)
	require.Equal(t, []string{"a"}, ids)
	ids, _ = changed(t, s, handoff.SessionFilter{AgentID: "other"}, 0)
	require.Empty(t, ids)
	ids, _ = changed(t, s, handoff.SessionFilter{AgentID: "agent", Provider: "webhook"}, 0)
	require.Equal(t, []string{"c", "b", "a"}, ids)
	list, err := s.Changes(t.Context(), handoff.SessionFilter{}, 0, before, 100)
	require.NoError(t, err)
	require.Len(t, list, 1, "what changed since has a later place")
	list, err = s.Changes(t.Context(), handoff.SessionFilter{}, 0, last, 2)
	require.NoError(t, err)
	require.Equal(t, []string{"c", "b"}, []string{list[0].ID, list[1].ID})

	require.NoError(t, s.Close())
	s = db.Open(t)
	accept(t, s, "c", "m2", "")
	ids, _ = changed(t, s, handoff.SessionFilter{}, last)
	require.Equal(t, []string{"c"}, ids, "the order goes on after a restart")
}

func testUnseenChanges(t *testing.T, db Database) {
	s := db.Open(t)
	create(t, s, "a")
	create(t, s, "b")
	_, last := changed(t, s, handoff.SessionFilter{}, 0)
	require.NoError(t, s.Update(t.Context(), "a", "", func(ses *handoff.Session) error {
		ses.Timers.Idle = at(99)
		ses.Changes().Touched = true
		return nil
	}))
	require.Equal(t, at(99), session(t, s, "a").Timers.Idle)
	ids, _ := changed(t, s, handoff.SessionFilter{}, last)
	require.Empty(t, ids)
	require.NoError(t, s.Update(t.Context(), "a", "", func(ses *handoff.Session) error {
		ses.Assign("", "a note for a colleague", at(5))
		return nil
	}))
	ids, _ = changed(t, s, handoff.SessionFilter{}, last)
	require.Equal(t, []string{"a"}, ids)
}

func testConcurrentChanges(t *testing.T, db Database) {
	s := db.Open(t)
	const sessions, each = 8, 25
	for i := range sessions {
		create(t, s, fmt.Sprint(i))
	}
	var group sync.WaitGroup
	for i := range sessions {
		group.Go(func() {
			for m := range each {
				if _, err := tryAccept(t.Context(), s, fmt.Sprint(i), fmt.Sprint(i, "-", m), ""); err != nil {
					t.Error(err)
				}
			}
		})
	}
	seen := map[string]uint64{}
	var after uint64
	finished := make(chan struct{})
	go func() { group.Wait(); close(finished) }()
	for ended := false; ; {
		last, err := s.LastChange(t.Context())
		require.NoError(t, err)
		list, err := s.Changes(t.Context(), handoff.SessionFilter{}, after, last, 100)
		require.NoError(t, err)
		for _, ses := range list {
			require.Greater(t, ses.LastSequence, seen[ses.ID], "no state is shown twice, and none before an older one")
			seen[ses.ID] = ses.LastSequence
		}
		if after = last; ended {
			break
		}
		select {
		case <-finished:
			ended = true
		default:
		}
	}
	for i := range sessions {
		require.EqualValues(t, each+1, seen[fmt.Sprint(i)])
	}
}
