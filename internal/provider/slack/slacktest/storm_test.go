package slacktest_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/dispatch"
	"github.com/human-handoff/handoff/internal/egress"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/slack"
	"github.com/human-handoff/handoff/internal/provider/slack/slacktest"
	"github.com/human-handoff/handoff/internal/seal"
	"github.com/human-handoff/handoff/internal/store"
	"github.com/human-handoff/handoff/internal/wake"
)

// hurried has everything sent faster than Slack says that a channel bears, so that
// it says no often.
type hurried struct{ *agents.Service }

func (h hurried) Terms(ctx context.Context, connectionID string) (dispatch.Terms, error) {
	t, err := h.Service.Terms(ctx, connectionID)
	t.Limits = provider.Limits{Concurrent: 32, PerSecond: 200, Burst: 50}
	return t, err
}

// storm is Slack on a bad day: besides what the channel's limit refuses it is out of
// order now and then, before it has done its work or after.
type storm struct {
	vendor               http.Handler
	refused, cut, looked atomic.Int64
}

func (s *storm) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/conversations.replies") || strings.HasSuffix(r.URL.Path, "/conversations.history") {
		s.looked.Add(1)
	}
	if !strings.HasSuffix(r.URL.Path, "/chat.postMessage") {
		s.vendor.ServeHTTP(w, r)
		return
	}
	switch n := rand.IntN(100); {
	case n < 3:
		w.Header().Set("Retry-After", "1")
		http.Error(w, `{"ok":false,"error":"ratelimited"}`, http.StatusTooManyRequests)
		s.refused.Add(1)
	case n < 5:
		s.cut.Add(1)
		panic(http.ErrAbortHandler)
	case n < 7:
		s.cut.Add(1)
		s.vendor.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	default:
		answer := httptest.NewRecorder()
		s.vendor.ServeHTTP(answer, r)
		if answer.Code == http.StatusTooManyRequests {
			s.refused.Add(1)
			w.Header().Set("Retry-After", "1")
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	}
}

// TestFiftySessionsInOneChannel has fifty customers talk at once in one channel,
// which takes few messages a second, on a day on which Slack is out of order: each
// message is in its thread, once, in the order in which it was accepted.
func TestFiftySessionsInOneChannel(t *testing.T) {
	t.Parallel()
	const sessions, messages = 50, 4
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "h.db"), Logger: log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	keys, err := seal.ParseKeys(seal.NewKey())
	require.NoError(t, err)
	sealer, err := seal.New(keys)
	require.NoError(t, err)
	client := egress.New(egress.Options{AllowPrivate: true})
	t.Cleanup(client.Close)
	vendor := slacktest.NewSlack(time.Now)
	vendor.PerSecond = 30
	weather := &storm{vendor: vendor}
	server := httptest.NewServer(weather)
	t.Cleanup(server.Close)

	var ids atomic.Int64
	newID := func(prefix string) string { return fmt.Sprintf("%s_%d", prefix, ids.Add(1)) }
	kinds := []provider.Kind{slack.Kind{}}
	svc := agents.New(agents.Config{Store: s, Kinds: kinds, Sealer: sealer, HTTP: client.Client(), BaseURL: "https://gateway", NewID: newID, Now: time.Now, Logger: log})
	hub := wake.NewHub()
	service := handoff.NewService(handoff.Config{Store: s, Waker: hub, Capabilities: svc.Capabilities, NewID: newID, Now: time.Now})
	d := dispatch.New(dispatch.Config{Store: s, Connections: hurried{svc}, Settler: service, Horizon: time.Hour, Now: time.Now, Logger: log})
	hub.OnDeliveries(d)
	svc.OnAvailable(d.Release)
	require.NoError(t, d.Start(t.Context()))
	t.Cleanup(d.Stop)

	optional := func(s handoff.Settings) (handoff.Settings, error) {
		s.EmailPolicy = handoff.EmailOptional
		return s, nil
	}
	v, err := svc.Configure(t.Context(), agents.Change{AgentID: "shop", Kind: slack.Name, Config: vendor.Config(server.URL), Settings: optional})
	require.NoError(t, err)
	require.Equal(t, handoff.ServiceAvailable, v.Status.State, v.Status.Reason)

	var group sync.WaitGroup
	for i := range sessions {
		group.Go(func() {
			name := fmt.Sprintf("customer %d", i)
			session, declined, err := service.RequestHandoff(t.Context(), handoff.Request{
				Conversation: handoff.ConversationKey{AgentID: "shop", ConversationID: name},
				Start:        handoff.Start{Customer: handoff.Customer{Name: name, UserID: name}, Question: "Question of " + name},
			})
			if err != nil || declined != nil {
				t.Errorf("%s: %v %v", name, err, declined)
				return
			}
			for n := range messages {
				_, err := service.SendMessage(t.Context(), session.ID, handoff.Message{ClientMessageID: fmt.Sprint(n), Text: fmt.Sprintf("%d of %s", n, name)})
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	group.Wait()

	arrived := func() (n int) {
		for _, s := range vendor.Sessions() {
			n += 1 + len(s.Messages())
		}
		return n
	}
	require.Eventually(t, func() bool { return arrived() >= sessions*(1+messages) }, 2*time.Minute, 50*time.Millisecond, "%d arrived", arrived())
	d.Stop() // what is on its way is settled
	require.Len(t, vendor.Sessions(), sessions)
	for _, s := range vendor.Sessions() {
		name := s.Customer.Name
		want := make([]string, 0, messages)
		for n := range messages {
			want = append(want, fmt.Sprintf("%d of %s", n, name))
		}
		require.Contains(t, s.Context, "Question of "+name)
		require.Equal(t, want, s.Messages(), "in the thread of %s", name)
		for _, line := range s.Lines {
			require.Equal(t, name, line.Name, "under the customer's name")
		}
	}
	t.Logf("%d refused, %d cut, %d looked for", weather.refused.Load(), weather.cut.Load(), weather.looked.Load())
	require.GreaterOrEqual(t, weather.refused.Load(), int64(10), "it was a bad day")
	require.GreaterOrEqual(t, weather.cut.Load(), int64(2))
	require.Less(t, weather.looked.Load(), int64(sessions*(1+messages)), "most messages are sent without a look at what is there")
}
