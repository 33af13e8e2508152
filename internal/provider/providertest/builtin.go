package providertest

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// runBuiltIn checks a desk that is part of this program: it needs nothing, takes
// everything at once, and no webhook is genuine. That its humans see and say
// things is the business of the API's tests, for they work on the session itself.
func runBuiltIn(t *testing.T, kind provider.Kind) {
	t.Helper()
	config := kind.Describe().Config
	require.Empty(t, kind.Missing(config))
	adapter, err := kind.Open(config, provider.Deps{HTTP: nil, Now: time.Now}) // a call over the network would panic
	require.NoError(t, err)
	conn := provider.NewConn(provider.ConnOptions{
		Connection: handoff.Connection{ID: "con_1", AgentID: "agent-1", Kind: kind.Describe().Name},
		Adapter:    adapter, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	call := provider.Call{SessionID: "ses_1", AgentID: "agent-1", IdempotencyKey: "key"}

	t.Run("start, messages and close", func(t *testing.T) {
		require.NoError(t, conn.Check(t.Context()))
		for _, start := range []handoff.Start{someStart(), {}} {
			ref, err := conn.Open(t.Context(), call, start)
			require.NoError(t, err)
			assert.NotEmpty(t, ref.ID)
			call.Ref = ref
		}
		for name, text := range texts() {
			_, err := conn.Send(t.Context(), call, handoff.Message{ID: "msg_1", Text: text})
			require.NoError(t, err, name)
		}
		for _, reason := range []handoff.CloseReason{handoff.ClosedByCustomer, handoff.ClosedByExpiry} {
			require.NoError(t, conn.Close(t.Context(), call, reason))
		}
	})
	t.Run("no webhook is genuine", func(t *testing.T) {
		for _, body := range []string{"", "{}", `{"conversation_id":"ses_1","timestamp":1,"body":"hello"}`} {
			r := provider.Request{Method: http.MethodPost, Path: "/human/message/receive", Header: http.Header{}, Body: []byte(body)}
			_, inbound, err := conn.Receive(r)
			assert.Equal(t, handoff.CodeUnauthenticated, handoff.CodeOf(err))
			assert.Empty(t, inbound)
			_, inbound, err = adapter.Parse(r)
			require.Error(t, err, "not even when it was not verified")
			assert.Empty(t, inbound)
		}
	})
}
