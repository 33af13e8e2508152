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

// builtIn is a desk that is part of this program: it needs nothing, takes
// everything at once, and no webhook is genuine. That its humans see and say
// things is the business of the API's tests, for they work on the session itself.
type builtIn struct {
	t       *testing.T
	adapter provider.Adapter
	conn    *provider.Conn
	why     string
}

func newBuiltIn(t *testing.T, kind provider.Kind) *builtIn {
	t.Helper()
	config := kind.Describe().Config
	require.Empty(t, kind.Missing(config))
	adapter, err := kind.Open(config, provider.Deps{HTTP: nil, Now: time.Now}) // a call over the network would panic
	require.NoError(t, err)
	return &builtIn{t: t, adapter: adapter, conn: provider.NewConn(provider.ConnOptions{
		Connection: handoff.Connection{ID: "con_1", AgentID: "agent-1", Kind: kind.Describe().Name},
		Adapter:    adapter, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	})}
}

// works checks that calls need no network, so that nothing can go wrong on it.
func (b *builtIn) works() {
	t := b.t
	b.why = "it is part of this program: there is no network and no account, and all is taken at once"
	call := provider.Call{SessionID: "ses_1", AgentID: "agent-1", IdempotencyKey: "key"}
	require.NoError(t, b.conn.Check(t.Context()))
	for _, start := range []handoff.Start{someStart(), {}} {
		ref, err := b.conn.Open(t.Context(), call, start)
		require.NoError(t, err)
		assert.NotEmpty(t, ref.ID)
		call.Ref = ref
	}
	for name, text := range texts() {
		_, err := b.conn.Send(t.Context(), call, handoff.Message{ID: "msg_1", Text: text})
		require.NoError(t, err, name)
	}
	for _, reason := range []handoff.CloseReason{handoff.ClosedByCustomer, handoff.ClosedByExpiry} {
		require.NoError(t, b.conn.Close(t.Context(), call, reason))
	}
}

func (b *builtIn) noWebhookIsGenuine() {
	t := b.t
	b.why = "its humans use DeskService, and no webhook is genuine"
	for _, body := range []string{"", "{}", `{"conversation_id":"ses_1","timestamp":1,"body":"hello"}`} {
		r := provider.Request{Method: http.MethodPost, Path: "/human/message/receive", Header: http.Header{}, Body: []byte(body)}
		_, inbound, err := b.conn.Receive(r)
		assert.Equal(t, handoff.CodeUnauthenticated, handoff.CodeOf(err))
		assert.Empty(t, inbound)
		_, inbound, err = b.adapter.Parse(r)
		require.Error(t, err, "not even when it was not verified")
		assert.Empty(t, inbound)
	}
}
