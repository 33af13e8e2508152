package hook_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/server/hook"
)

// taken is a connection that understands everything.
type taken struct{}

func (taken) Receive(context.Context, string, string, provider.Request) (agents.Received, error) {
	return agents.Received{Inbound: []handoff.Inbound{{Body: handoff.HumanMessage{Text: "hello"}}}}, nil
}

// refusing is a session that answers everything with one error.
type refusing struct{ err error }

func (r refusing) Receive(context.Context, string, handoff.Inbound) error { return r.err }

func post(err error, body string) int {
	mux := http.NewServeMux()
	hook.Webhooks{Connections: taken{}, Receiver: refusing{err}, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}.Mount(mux)
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/webhooks/webhook/token", strings.NewReader(body)))
	return answer.Code
}

// TestSendersAreToldToTryAgain matters because providers give up on most of 4xx:
// what we have no room for now would be lost for ever.
func TestSendersAreToldToTryAgain(t *testing.T) {
	t.Parallel()
	for reason, want := range map[error]int{
		handoff.Errorf(handoff.CodeExhausted, "DISK_FULL", "no room"):        http.StatusServiceUnavailable,
		handoff.Errorf(handoff.CodeExhausted, "STORE_OVERLOADED", "no room"): http.StatusServiceUnavailable,
		handoff.Errorf(handoff.CodeUnavailable, "DATABASE_STUCK", "not now"): http.StatusServiceUnavailable,
		handoff.ErrSessionClosed: http.StatusConflict,
	} {
		require.Equal(t, want, post(reason, "{}"), "%v", reason)
	}
	require.Equal(t, http.StatusRequestEntityTooLarge, post(nil, strings.Repeat("x", 4<<20+1)))
	require.Equal(t, http.StatusOK, post(nil, "{}"))
}
