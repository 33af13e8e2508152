package hook_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/server/hook"
)

// consents answers each consent with one outcome, and counts.
type consents struct {
	got   agents.Consent
	err   error
	asked []url.Values
}

func (c *consents) Consent(_ context.Context, _, _ string, query url.Values) (agents.Consent, error) {
	c.asked = append(c.asked, query)
	return c.got, c.err
}

func TestConsentPage(t *testing.T) {
	t.Parallel()
	works := handoff.ConnectionStatus{State: handoff.ServiceAvailable}
	for name, c := range map[string]struct {
		outcome consents
		status  int
		want    string
	}{
		"good":    {consents{got: agents.Consent{Title: "<Desk>", Status: works}}, http.StatusOK, "&lt;Desk&gt; is connected"},
		"half":    {consents{got: agents.Consent{Title: "Desk", Status: handoff.ConnectionStatus{Reason: "no <webhooks>"}}}, http.StatusOK, "no &lt;webhooks&gt;"},
		"refused": {consents{err: handoff.Errorf(handoff.CodePermission, "CONSENT_REFUSED", "somebody said <no>")}, http.StatusForbidden, "somebody said &lt;no&gt;"},
		"ours":    {consents{err: context.Canceled}, http.StatusInternalServerError, "internal error"},
	} {
		mux := http.NewServeMux()
		hook.Webhooks{Logger: slog.New(slog.DiscardHandler)}.Mount(mux)
		hook.Consents{Consenter: &c.outcome, Logger: slog.New(slog.DiscardHandler)}.Mount(mux)
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/webhooks/livechat/token/oauth?code=a%3Ab", nil))
		require.Equal(t, c.status, answer.Code, name)
		require.Contains(t, answer.Body.String(), c.want, name)
		require.NotContains(t, answer.Body.String(), "a:b", "%s: the code is nobody's to see", name)
		require.Equal(t, "no-store", answer.Header().Get("Cache-Control"))
		require.Equal(t, "no-referrer", answer.Header().Get("Referrer-Policy"))
		require.Equal(t, []url.Values{{"code": {"a:b"}}}, c.outcome.asked)

		head := httptest.NewRecorder()
		mux.ServeHTTP(head, httptest.NewRequest(http.MethodHead, "/webhooks/livechat/token/oauth?code=a", nil))
		require.Len(t, c.outcome.asked, 1, "a look uses up no code")
	}
}
