package agents_test

import (
	"context"
	"iter"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/hours"
	"github.com/human-handoff/handoff/internal/store"
)

// A stream that is open while the clock passes the edges of a service period
// tells of both, and beats meanwhile.
func TestWatchTellsWhenTheScheduleTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // its clock begins at midnight, 1 January 2000
		log := slog.New(slog.DiscardHandler)
		s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "h.db"), Logger: log})
		require.NoError(t, err)
		defer func() { require.NoError(t, s.Close()) }()
		svc := agents.New(agents.Config{Store: s, Now: time.Now, Logger: log})
		configure := func(id, start, end string) {
			_, err := svc.Configure(t.Context(), agents.Change{AgentID: id, Settings: func(s handoff.Settings) (handoff.Settings, error) {
				s.ServicePeriods = []hours.Period{{Date: "2000-01-01", Start: start, End: end}}
				return s, nil
			}})
			require.NoError(t, err)
		}
		configure("a", "00:01", "00:02")
		configure("b", "10:00", "11:00")

		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		next, stop := iter.Pull2(svc.Watch(ctx, ""))
		defer stop()
		read := func() (ids []string, open bool) {
			views, err, ok := next()
			require.True(t, ok)
			require.NoError(t, err)
			for _, v := range views {
				ids, open = append(ids, v.Agent.ID), v.Opening.Open
			}
			return ids, open
		}
		ids, _ := read()
		require.Equal(t, []string{"a", "b"}, ids)
		configure("b", "09:00", "11:00")
		ids, _ = read()
		require.Equal(t, []string{"b"}, ids)

		began := time.Now()
		var turns []time.Duration
		for range 10 { // one each beat
			if ids, open := read(); len(ids) > 0 {
				require.Equal(t, []string{"a"}, ids)
				require.Equal(t, len(turns) == 0, open)
				turns = append(turns, time.Since(began))
			}
		}
		require.Equal(t, 10*handoff.Beat, time.Since(began))
		require.Equal(t, []time.Duration{time.Minute, 2 * time.Minute}, turns)
		cancel()
		_, _, ok := next()
		require.False(t, ok)
	})
}
