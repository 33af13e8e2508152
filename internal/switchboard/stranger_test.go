package switchboard_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider/messenger"
	"github.com/human-handoff/handoff/internal/switchboard"
)

// TestStrangersAreAnsweredOnceADay: even one that answers everything gets no more, and
// none has a session.
func TestStrangersAreAnsweredOnceADay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	tag := b.session("s1", "Ann")
	stranger := handoff.PersonSaid{Person: "bot", Stranger: true, Button: messenger.Button(messenger.TakeIt, tag)}
	b.says(stranger)
	require.True(t, b.told[0].Stranger)
	require.Equal(t, []string{"bot: " + messenger.NoticeStranger.Text("", "", "")}, b.lastTold())
	for range 20 {
		b.pass(time.Hour)
		b.says(stranger)
	}
	require.Empty(t, b.lastTold())
	require.Empty(t, b.heard("s1"))
	b.pass(5 * time.Hour)
	b.says(stranger)
	require.Len(t, b.lastTold(), 1)

	for i := range 498 { // with the first one there are 499
		key := fmt.Sprint("flood", i)
		require.NoError(t, b.store.Record(t.Context(), switchboard.Record{ConnectionID: connection, Person: key, Key: key, Time: b.clock()}))
	}
	for _, another := range []string{"the last one", "one too many"} {
		b.says(handoff.PersonSaid{Person: another, Stranger: true})
	}
	require.Equal(t, []string{"the last one: " + messenger.NoticeStranger.Text("", "", "")}, b.lastTold(), "each answer has its price")
	b.says(bob("/help"))
	require.Len(t, b.lastTold(), 1, "the desk's humans are heard all the same")
}
