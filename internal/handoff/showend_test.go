package handoff

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestADeskThatDoesNotChangeByItselfIsShownItsHumansEnd(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	closeBy := func(reason CloseReason) *Session {
		s := &Session{State: StateActive}
		s.Close(reason, Outcome{}, now)
		s.showEnd(now)
		return s
	}
	require.Equal(t, DeliverClose, closeBy(ClosedByHuman).Changes().Deliveries[0].Kind)
	require.Len(t, closeBy(ClosedByCustomer).Changes().Deliveries, 1, "it is told of the others' ends once")

	again := &Session{State: StateClosed, CloseReason: ClosedByHuman}
	again.showEnd(now)
	require.Empty(t, again.Changes().Deliveries, "a repeat changes nothing")
	open := &Session{State: StateActive}
	open.showEnd(now)
	require.Empty(t, open.Changes().Deliveries)
}
