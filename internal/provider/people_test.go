package provider_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// crowd is a vendor that calls people by ids.
type crowd struct {
	provider.Adapter

	ids   []string
	asked []string
	fail  error
	takes time.Duration
}

func (c *crowd) Verify(provider.Request) error { return nil }

func (c *crowd) People(provider.Request) []string { return c.ids }

func (c *crowd) Name(ctx context.Context, id string) (string, error) {
	c.asked = append(c.asked, id)
	select {
	case <-time.After(c.takes):
		return "name of " + id, c.fail
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (c *crowd) Parse(r provider.Request) (provider.Reply, []handoff.Inbound, error) {
	var all []handoff.Inbound
	for _, id := range c.ids {
		all = append(all, handoff.Inbound{Body: handoff.HumanMessage{AuthorName: r.Names[id], Text: "x"}})
	}
	return provider.Reply{}, all, nil
}

func TestPeopleAreAskedForOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{ids: []string{"U1", "U2"}}
		conn := provider.NewConn(provider.ConnOptions{Adapter: c, Logger: slog.New(slog.DiscardHandler), Now: time.Now})
		names := func() []string {
			_, all, err := conn.Receive(provider.Request{})
			require.NoError(t, err, "they are heard, whoever they are")
			var names []string
			for _, in := range all {
				names = append(names, in.Body.(handoff.HumanMessage).AuthorName)
			}
			return names
		}
		want := []string{"name of U1", "name of U2"}
		require.Equal(t, want, names())
		require.Equal(t, want, names())
		require.Equal(t, []string{"U1", "U2"}, c.asked)
		time.Sleep(time.Hour + 1)
		require.Equal(t, want, names())
		require.Len(t, c.asked, 4, "a name may change")

		c.ids, c.fail = []string{"U3"}, errors.New("cut")
		require.Equal(t, []string{""}, names())
		c.fail = nil
		require.Equal(t, []string{""}, names(), "not again at once")
		time.Sleep(time.Minute + 1)
		require.Equal(t, []string{"name of U3"}, names())

		c.ids, c.takes = []string{"U4", "U5", "U6"}, time.Second
		began := time.Now()
		require.Equal(t, []string{"name of U4", "", ""}, names())
		require.Less(t, time.Since(began), 2*time.Second, "the vendor waits for an answer")
	})
}
