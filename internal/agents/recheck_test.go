package agents

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
)

func TestRechecksBackOff(t *testing.T) {
	t.Parallel()
	r, now := newRechecks(), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ill := []handoff.Connection{{ID: "a", Status: handoff.ConnectionStatus{State: handoff.ServiceUnavailable}}}
	due, next := r.due(ill, now)
	require.Empty(t, due, "it was just found to be unavailable")

	waits := []time.Duration{firstRecheck}
	for total := time.Duration(0); total < 3*time.Hour; total = next.Sub(now) {
		due, _ = r.due(ill, next.Add(-1))
		require.Empty(t, due, "not before its time")
		at := next
		due, next = r.due(ill, at)
		require.Len(t, due, 1)
		require.Zero(t, next)
		_, next = r.due(ill, at)
		waits = append(waits, next.Sub(at))
	}
	for i, wait := range waits {
		least := min(firstRecheck<<min(i, 10), maxRecheck)
		require.GreaterOrEqual(t, wait, least)
		require.LessOrEqual(t, wait, least+least*recheckSpread/100)
	}

	_, again := r.due(nil, next)
	require.Zero(t, again, "while all are well there is nothing to wait for")
	due, _ = r.due(ill, next.Add(time.Second))
	require.Len(t, due, 1, "one that looked well for a moment goes on where it was")
	_, _ = r.due(nil, next.Add(3*maxRecheck))
	require.Empty(t, r.waits, "one that is well is forgotten")
	due, next2 := r.due(ill, next.Add(3*maxRecheck))
	require.Empty(t, due)
	require.LessOrEqual(t, next2.Sub(next.Add(3*maxRecheck)), 2*firstRecheck, "and begins anew")
}

func TestRechecksLeaveConsentAlone(t *testing.T) {
	t.Parallel()
	due, next := newRechecks().due([]handoff.Connection{{ID: "a", Status: handoff.ConnectionStatus{
		State: handoff.ServiceUnavailable, ReasonCode: handoff.ReasonConsent,
	}}}, time.Now())
	require.Empty(t, due)
	require.Zero(t, next)
}
