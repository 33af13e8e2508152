package e2e_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
)

const consoleSession = "/console/session"

// signIn signs in to the console with the client's key and returns the browser's Cookie header.
func (c *client) signIn(t *testing.T) string {
	t.Helper()
	answer := c.open(t, http.MethodPost, consoleSession, "")
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusNoContent, answer.StatusCode)
	cookies := answer.Cookies()
	require.Len(t, cookies, 1)
	assert.True(t, cookies[0].HttpOnly)
	assert.Equal(t, http.SameSiteStrictMode, cookies[0].SameSite)
	assert.NotContains(t, cookies[0].Value, c.key)
	return cookies[0].Name + "=" + cookies[0].Value
}

func TestConsoleCookieNeedsTheProtocolHeader(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	cookie := s.admin.signIn(t)
	nobody, list := s.client(""), handoffv1connect.HandoffServiceListAgentsProcedure
	get := list + "?connect=v1&encoding=json&message=%7B%7D"
	with := []string{"Cookie", cookie, "Connect-Protocol-Version", "1"}

	for _, test := range []struct {
		desc, method, path string
		headers            []string
		want               int
	}{
		{"a call of the console", http.MethodPost, list, with, http.StatusOK},
		{"a GET of the console", http.MethodGet, get, with, http.StatusOK},
		{"a form or a foreign page", http.MethodPost, list, with[:2], http.StatusUnauthorized},
		{"a link or a picture", http.MethodGet, get, with[:2], http.StatusUnauthorized},
		{"another version", http.MethodGet, get, []string{"Cookie", cookie, "Connect-Protocol-Version", "2"}, http.StatusUnauthorized},
		{"another site", http.MethodPost, list, append([]string{"Sec-Fetch-Site", "cross-site"}, with...), http.StatusUnauthorized},
		{"another port of this host", http.MethodPost, list, append([]string{"Sec-Fetch-Site", "same-site"}, with...), http.StatusUnauthorized},
		{"a wrong key beside it", http.MethodPost, list, append([]string{"Authorization", "Bearer wrong"}, with...), http.StatusUnauthorized},
		{"another scheme beside it", http.MethodPost, list, append([]string{"Authorization", "Basic eDp5"}, with...), http.StatusUnauthorized},
	} {
		headers := append([]string{"Content-Type", "application/json"}, test.headers...)
		body := "{}"
		if test.method == http.MethodGet {
			headers, body = test.headers, ""
		}
		status, answer := nobody.do(t, test.method, test.path, body, headers...)
		assert.Equal(t, test.want, status, "%s: %s", test.desc, answer)
	}
}

func TestConsoleSignOut(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	agent, _ := s.createKey(handoffv1.Key_SCOPE_AGENT, "shop")
	admin, info := s.createKey(handoffv1.Key_SCOPE_ADMIN, "")
	cookie := admin.signIn(t)
	with := []string{"Cookie", cookie, "Connect-Protocol-Version", "1"}
	nobody := s.client("")

	for want, c := range map[int]*client{http.StatusForbidden: agent, http.StatusUnauthorized: nobody} {
		status, _ := c.post(t, consoleSession, "")
		assert.Equal(t, want, status)
	}
	status, _ := nobody.do(t, http.MethodGet, consoleSession, "", with...)
	assert.Equal(t, http.StatusOK, status)
	foreign := nobody.open(t, http.MethodDelete, consoleSession, "", with[:2]...)
	require.NoError(t, foreign.Body.Close())
	assert.Empty(t, foreign.Cookies(), "no other page signs people out")
	out := nobody.open(t, http.MethodDelete, consoleSession, "", with...)
	require.NoError(t, out.Body.Close())
	require.Len(t, out.Cookies(), 1)
	assert.Negative(t, out.Cookies()[0].MaxAge)

	// A stream ends with the key, and so does the session.
	stream := nobody.open(t, http.MethodPost, handoffv1connect.AdminServiceWatchStatusProcedure, "\x00\x00\x00\x00\x02{}",
		append([]string{"Content-Type", "application/connect+json"}, with...)...)
	defer stream.Body.Close()
	first := make([]byte, 5)
	_, err := io.ReadFull(stream.Body, first)
	require.NoError(t, err)
	require.Zero(t, first[0], "an answer, not the end")
	_, err = s.admin.keys.RevokeKey(t.Context(), &handoffv1.RevokeKeyRequest{Id: info.GetId()})
	require.NoError(t, err)
	rest, err := io.ReadAll(stream.Body)
	require.NoError(t, err)
	assert.Contains(t, string(rest), "unauthenticated")
	status, _ = nobody.do(t, http.MethodGet, consoleSession, "", with...)
	assert.Equal(t, http.StatusNoContent, status)
}
