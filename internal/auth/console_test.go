package auth_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/seal"
)

// newConsole returns an authenticator that seals with the key, and its configured admin key.
func newConsole(t *testing.T, table *keyTable, sealKey byte, adminKey string) *auth.Authenticator {
	t.Helper()
	sealer, err := seal.New([][]byte{append(make([]byte, seal.KeySize-1), sealKey)})
	require.NoError(t, err)
	return auth.New(auth.Config{
		Store: table, AdminKey: adminKey, TokenKeys: [][]byte{tokenKey}, Sealer: sealer,
		NewID: func(prefix string) string { return prefix + "_1" }, Now: time.Now,
	})
}

const configured = "a-configured-admin-key"

func TestConsoleSessionEndsWithItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newConsole(t, &keyTable{}, 1, configured)
		session, end, err := a.SignIn(t.Context(), configured)
		require.NoError(t, err)
		require.Equal(t, auth.ConsoleLife, time.Until(end))
		require.NotContains(t, session, configured)

		p, err := a.AuthenticateConsole(t.Context(), session)
		require.NoError(t, err)
		require.Equal(t, auth.ScopeAdmin, p.Scope)
		stream, stop := a.Guard(t.Context(), p)
		defer stop()
		time.Sleep(auth.ConsoleLife - time.Second) // of the bubble's clock
		require.NoError(t, stream.Err())
		_, err = a.AuthenticateConsole(t.Context(), session)
		require.NoError(t, err)

		time.Sleep(2 * time.Second)
		<-stream.Done()
		_, err = a.AuthenticateConsole(t.Context(), session)
		require.ErrorIs(t, err, auth.ErrUnauthenticated)
	})
}

func TestConsoleSessionEndsWithItsKey(t *testing.T) {
	t.Parallel()
	table := &keyTable{}
	a := newConsole(t, table, 1, configured)
	secret, key, err := a.CreateKey(t.Context(), auth.ScopeAdmin, "", "")
	require.NoError(t, err)
	session, _, err := a.SignIn(t.Context(), secret)
	require.NoError(t, err)
	p, err := a.AuthenticateConsole(t.Context(), session)
	require.NoError(t, err)
	require.Equal(t, key.ID, p.KeyID)
	stream, stop := a.Guard(t.Context(), p)
	defer stop()

	_, err = a.RevokeKey(t.Context(), key.ID)
	require.NoError(t, err)
	<-stream.Done()
	_, err = a.AuthenticateConsole(t.Context(), session)
	require.ErrorIs(t, err, auth.ErrUnauthenticated)

	session, _, err = a.SignIn(t.Context(), configured)
	require.NoError(t, err)
	_, err = newConsole(t, table, 1, "another-configured-key").AuthenticateConsole(t.Context(), session)
	require.ErrorIs(t, err, auth.ErrUnauthenticated, "the configured key changed")
}

func TestConsoleRefuses(t *testing.T) {
	t.Parallel()
	table := &keyTable{}
	a := newConsole(t, table, 1, configured)
	agentKey, _, err := a.CreateKey(t.Context(), auth.ScopeAgent, "bot", "")
	require.NoError(t, err)
	_, _, err = a.SignIn(t.Context(), agentKey)
	require.ErrorIs(t, err, auth.ErrPermission)
	_, _, err = a.SignIn(t.Context(), "unknown")
	require.ErrorIs(t, err, auth.ErrUnauthenticated)

	forged, _, err := newConsole(t, table, 2, configured).SignIn(t.Context(), configured)
	require.NoError(t, err)
	for _, session := range []string{"", "%", "AAAA", configured, forged} {
		_, err = a.AuthenticateConsole(t.Context(), session)
		require.ErrorIs(t, err, auth.ErrUnauthenticated, session)
	}
}
