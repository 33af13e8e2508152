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

// taken is a connection that understands everything, or nothing of its quarantine.
type taken struct {
	reply   provider.Reply
	misread error
	kept    *[]error // why webhooks are in quarantine
	ended   *[]error // how replays ended
}

var hello = agents.Received{ConnectionID: "c", Inbound: []handoff.Inbound{{Body: handoff.HumanMessage{Text: "hello"}}}}

func (c taken) Receive(context.Context, string, string, provider.Request) (agents.Received, error) {
	got := hello
	got.Reply = c.reply
	return got, nil
}

func (c taken) Keep(_ context.Context, _ string, _ provider.Request, why error) {
	if c.kept != nil {
		*c.kept = append(*c.kept, why)
	}
}

func (c taken) Requarantined(context.Context, int64) (agents.Received, error) {
	return hello, c.misread
}

func (c taken) Replayed(_ context.Context, _ int64, failure error) error {
	*c.ended = append(*c.ended, failure)
	return nil
}

// Siblings implements hook.Connections.
func (taken) Siblings(context.Context, string, provider.Request) ([]string, error) { return nil, nil }

// refusing is a session that answers everything with one error.
type refusing struct{ err error }

func (r refusing) Receive(context.Context, string, handoff.Inbound) error { return r.err }

func post(err error, body string) int { return postTo(taken{}, err, body) }

func postTo(connection taken, err error, body string) int {
	mux := http.NewServeMux()
	hook.Webhooks{Connections: connection, Receiver: refusing{err}, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}.Mount(mux)
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

// TestWhatCannotBeAppliedIsKept matters because nothing must be lost to a fault of
// ours: the sender may not send again.
func TestWhatCannotBeAppliedIsKept(t *testing.T) {
	t.Parallel()
	var kept []error
	fault := handoff.Errorf(handoff.CodeInternal, "BUG", "a fault of ours")
	mux := http.NewServeMux()
	hook.Webhooks{Connections: taken{kept: &kept}, Receiver: refusing{fault}, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}.Mount(mux)
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/webhooks/webhook/token", strings.NewReader("{}")))
	require.Equal(t, http.StatusInternalServerError, answer.Code)
	require.Equal(t, []error{fault}, kept)
}

func TestReplay(t *testing.T) {
	t.Parallel()
	nonsense := handoff.Errorf(handoff.CodeInvalid, "WEBHOOK_INVALID", "no JSON")
	stuck := handoff.Errorf(handoff.CodeUnavailable, "DATABASE_STUCK", "not now")
	for name, c := range map[string]struct {
		misread, refusal error
		want             handoff.Code
		noted            bool
	}{
		"taken":           {noted: true},
		"still nonsense":  {misread: nonsense, want: handoff.CodePrecondition, noted: true},
		"session is over": {refusal: handoff.ErrSessionClosed, want: handoff.CodePrecondition, noted: true},
		"not now":         {refusal: stuck, want: handoff.CodeUnavailable},
		"not there":       {misread: agents.ErrNotQuarantined, want: handoff.CodeNotFound},
	} {
		var ended []error
		h := hook.Webhooks{Connections: taken{misread: c.misread, ended: &ended}, Receiver: refusing{c.refusal}}
		applied, err := h.Replay(t.Context(), 1)
		if c.want == 0 {
			require.NoError(t, err, name)
			require.Equal(t, 1, applied)
		} else {
			require.Equal(t, c.want, handoff.CodeOf(err), name)
		}
		require.Equal(t, c.noted, len(ended) == 1, name)
		if c.noted {
			require.Equal(t, err, ended[0], name)
		}
	}
}

// TestSomeVendorsAreNotToldWhatIsNotOurs matters because they tell of every
// conversation of an account, and stop telling after enough refusals. What we
// could not keep they are told all the same.
func TestSomeVendorsAreNotToldWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	for reason, want := range map[error][2]int{
		handoff.ErrSessionNotFound: {http.StatusNotFound, http.StatusOK},
		handoff.ErrSessionClosed:   {http.StatusConflict, http.StatusOK},
		handoff.Errorf(handoff.CodeUnavailable, "DATABASE_STUCK", "not now"): {http.StatusServiceUnavailable, http.StatusServiceUnavailable},
	} {
		require.Equal(t, want[0], postTo(taken{}, reason, "{}"), "%v", reason)
		require.Equal(t, want[1], postTo(taken{reply: provider.Reply{Always: true}}, reason, "{}"), "%v", reason)
	}
	require.Equal(t, http.StatusNotFound, postTo(taken{reply: provider.Reply{Always: true, Ours: true}}, handoff.ErrSessionNotFound, "{}"), "what came too early comes again")
	require.Equal(t, http.StatusOK, postTo(taken{reply: provider.Reply{Always: true, Ours: true}}, handoff.ErrSessionClosed, "{}"))
}

// family is a connection with a sibling, whose session it is.
type family struct{ taken }

func (family) Receive(context.Context, string, string, provider.Request) (agents.Received, error) {
	return agents.Received{ConnectionID: "own", Inbound: []handoff.Inbound{{Ref: "ref", Body: handoff.HumanClosed{}}}}, nil
}

func (family) Siblings(context.Context, string, provider.Request) ([]string, error) {
	return []string{"first", "second", "third"}, nil
}

// sessions are those of some connections.
type sessions struct {
	of   map[string]error
	seen []string
}

func (s *sessions) Receive(_ context.Context, connectionID string, _ handoff.Inbound) error {
	s.seen = append(s.seen, connectionID)
	if err, known := s.of[connectionID]; known {
		return err
	}
	return handoff.ErrSessionNotFound
}

func TestAnEventGoesToTheSessionThatItBelongsTo(t *testing.T) {
	t.Parallel()
	stuck := handoff.Errorf(handoff.CodeUnavailable, "DATABASE_STUCK", "not now")
	for _, test := range []struct {
		of     map[string]error
		status int
		seen   []string
	}{
		{map[string]error{"own": nil}, http.StatusOK, []string{"own"}},
		{map[string]error{"second": nil}, http.StatusOK, []string{"own", "first", "second"}},
		{map[string]error{"second": handoff.ErrSessionClosed}, http.StatusConflict, []string{"own", "first", "second"}},
		{map[string]error{"first": stuck}, http.StatusServiceUnavailable, []string{"own", "first"}},
		{map[string]error{}, http.StatusNotFound, []string{"own", "first", "second", "third"}},
	} {
		s := &sessions{of: test.of}
		mux := http.NewServeMux()
		hook.Webhooks{Connections: family{}, Receiver: s, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}.Mount(mux)
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/webhooks/kind/token", strings.NewReader("{}")))
		require.Equal(t, test.status, answer.Code, "%v", test.of)
		require.Equal(t, test.seen, s.seen)
	}
}
