package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
)

// setTimers arms a session; a real one arms itself by what happens in it.
func setTimers(t *testing.T, s Store, id string, timers handoff.Timers, prompted bool) {
	t.Helper()
	require.NoError(t, s.Update(t.Context(), id, "", func(ses *handoff.Session) error {
		ses.Timers, ses.Prompted = timers, prompted
		ses.Changes().Touched = true
		return nil
	}))
}

var timerTests = map[string]func(t *testing.T, db Database){
	"DueTheLongestFirst": func(t *testing.T, db Database) {
		s := db.Open(t)
		due := func(now time.Time, limit int) ([]string, time.Time) {
			ids, next, err := s.Due(t.Context(), now, limit)
			require.NoError(t, err)
			return ids, next
		}
		ids, next := due(at(1000), 10)
		require.Empty(t, ids)
		require.True(t, next.IsZero())
		for _, id := range []string{"s1", "s2", "s3", "s4"} {
			create(t, s, id)
		}
		setTimers(t, s, "s1", handoff.Timers{Wait: at(300), Expiry: at(900)}, false)
		setTimers(t, s, "s2", handoff.Timers{Idle: at(100), Expiry: at(900)}, false)
		setTimers(t, s, "s3", handoff.Timers{Silence: at(200)}, false)
		setTimers(t, s, "s4", handoff.Timers{}, false)
		ids, next = due(at(99), 10)
		require.Empty(t, ids)
		require.Equal(t, at(100), next)
		ids, next = due(at(200), 10)
		require.Equal(t, []string{"s2", "s3"}, ids, "on the second counts")
		require.Equal(t, at(300), next)
		ids, _ = due(at(1000), 2)
		require.Equal(t, []string{"s2", "s3"}, ids)
		closeSession(t, s, "s2")
		ids, next = due(at(1000), 10)
		require.Equal(t, []string{"s3", "s1"}, ids, "a closed session has no timers")
		require.True(t, next.IsZero())
	},

	"TimersAreKept": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		log := wholeLog(t, s, "s1")
		timers := handoff.Timers{Wait: at(1), Idle: at(2), Silence: at(3), Expiry: at(4)}
		setTimers(t, s, "s1", timers, true)
		require.NoError(t, s.Close())
		s = db.Open(t)
		require.Equal(t, timers, session(t, s, "s1").Timers)
		require.True(t, session(t, s, "s1").Prompted)
		require.Equal(t, log, wholeLog(t, s, "s1"), "a timer is no event")
		setTimers(t, s, "s1", handoff.Timers{}, false)
		require.Equal(t, handoff.Timers{}, session(t, s, "s1").Timers)
		require.False(t, session(t, s, "s1").Prompted)
	},
}
