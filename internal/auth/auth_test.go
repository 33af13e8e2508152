package auth_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/handoff"
)

// keyTable is a store of keys in memory that two authenticators can share, as
// two processes share a database.
type keyTable struct {
	mu   sync.Mutex
	keys []auth.Key
	used map[string]time.Time

	lists atomic.Int64 // how often the keys were listed
}

func (s *keyTable) AddKey(_ context.Context, k auth.Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = append(s.keys, k)
	return nil
}

func (s *keyTable) Keys(context.Context) ([]auth.Key, error) {
	s.lists.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]auth.Key(nil), s.keys...), nil
}

func (s *keyTable) KeyByHash(_ context.Context, hash []byte) (auth.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.keys {
		if string(k.Hash) == string(hash) {
			return k, nil
		}
	}
	return auth.Key{}, auth.ErrKeyNotFound
}

func (s *keyTable) RevokeKey(_ context.Context, id string, at time.Time) (auth.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.keys {
		if s.keys[i].ID == id {
			s.keys[i].RevokeTime = at
			return s.keys[i], nil
		}
	}
	return auth.Key{}, auth.ErrKeyNotFound
}

func (s *keyTable) TouchKeys(_ context.Context, used map[string]time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = used
	return nil
}

type sessions map[string]*handoff.Session

func (s sessions) Session(_ context.Context, id string) (*handoff.Session, error) {
	if found, ok := s[id]; ok {
		return found, nil
	}
	return nil, handoff.ErrSessionNotFound
}

var tokenKey = []byte("0123456789abcdef0123456789abcdef")

func newAuth(store auth.Store, s sessions) *auth.Authenticator {
	return auth.New(auth.Config{
		Store: store, Sessions: s, AdminKey: "a-configured-admin-key", TokenKeys: [][]byte{tokenKey},
		NewID: func(prefix string) string { return prefix + "_" + time.Now().Format("150405.000000000") }, Now: time.Now,
	})
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	table := &keyTable{}
	a := newAuth(table, sessions{"ses_1": {ID: "ses_1", AgentID: "bot"}})
	agentKey, _, err := a.CreateKey(t.Context(), auth.ScopeAgent, "bot", "")
	require.NoError(t, err)
	token := a.NewSessionToken("ses_1")
	require.NotEqual(t, token, a.NewSessionToken("ses_1"), "each token is its own")

	for _, test := range []struct {
		desc, bearer string
		want         auth.Scope
	}{
		{"the configured admin key", "a-configured-admin-key", auth.ScopeAdmin},
		{"an agent's key", agentKey, auth.ScopeAgent},
		{"a session token", token, auth.ScopeSession},
		{"none", "", ""},
		{"an unknown key", "hk_admin_x", ""},
		{"a key cut short", agentKey[:len(agentKey)-1], ""},
		{"a token of an unknown session", a.NewSessionToken("ses_2"), ""},
		{"a token moved to another session", strings.Replace(token, "ses_1", "ses_2", 1), ""},
		{"a token with another nonce", token[:len(token)-64] + "A" + token[len(token)-63:], ""},
		{"half a token", "hst_ses_1", ""},
	} {
		t.Run(test.desc, func(t *testing.T) {
			t.Parallel()
			p, err := a.Authenticate(t.Context(), test.bearer)
			if test.want == "" {
				require.ErrorIs(t, err, auth.ErrUnauthenticated)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, p.Scope)
		})
	}
	for _, k := range table.keys {
		require.NotContains(t, string(k.Hash), agentKey, "keys are kept as hashes")
		require.Len(t, k.Hash, 32)
	}
}

func TestTokensEndAfterTheSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &handoff.Session{ID: "ses_1", AgentID: "bot"}
		a := newAuth(&keyTable{}, sessions{"ses_1": s})
		token := a.NewSessionToken("ses_1")
		time.Sleep(100 * time.Hour)
		_, err := a.Authenticate(t.Context(), token)
		require.NoError(t, err, "valid as long as the session is open")

		s.State, s.CloseTime = handoff.StateClosed, time.Now()
		time.Sleep(15 * time.Minute)
		_, err = a.Authenticate(t.Context(), token)
		require.NoError(t, err)
		time.Sleep(time.Second)
		_, err = a.Authenticate(t.Context(), token)
		require.ErrorIs(t, err, auth.ErrTokenExpired)
	})
}

func TestARevokedKeyEndsItsStreams(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := &keyTable{}
		here, elsewhere := newAuth(table, nil), newAuth(table, nil)
		run, stop := context.WithCancel(t.Context())
		defer stop()
		go here.Run(run, slog.New(slog.DiscardHandler))

		for _, by := range []*auth.Authenticator{here, elsewhere} {
			secret, key, err := by.CreateKey(t.Context(), auth.ScopeAgent, "bot", "")
			require.NoError(t, err)
			p, err := here.Authenticate(t.Context(), secret)
			require.NoError(t, err)
			stream, stopStream := here.Guard(t.Context(), p)
			defer stopStream()
			_, err = by.RevokeKey(t.Context(), key.ID)
			require.NoError(t, err)
			time.Sleep(time.Second)
			synctest.Wait()
			require.Equal(t, error(auth.ErrUnauthenticated), context.Cause(stream))
			_, err = here.Authenticate(t.Context(), secret)
			require.ErrorIs(t, err, auth.ErrUnauthenticated)
		}
	})
}

func TestTheLastUseOfAKeyIsNoted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := &keyTable{}
		a := newAuth(table, nil)
		secret, key, err := a.CreateKey(t.Context(), auth.ScopeAdmin, "", "")
		require.NoError(t, err)
		_, err = a.Authenticate(t.Context(), secret)
		require.NoError(t, err)
		run, stop := context.WithCancel(t.Context())
		defer stop()
		go a.Run(run, slog.New(slog.DiscardHandler))
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.Contains(t, table.used, key.ID)
	})
}

func TestCreateKeyChecksScopeAndAgent(t *testing.T) {
	t.Parallel()
	a := newAuth(&keyTable{}, nil)
	for _, test := range []struct {
		scope auth.Scope
		agent string
	}{
		{auth.ScopeAdmin, "bot"},
		{auth.ScopeAgent, ""},
		{auth.ScopeDesk, ""},
		{auth.ScopeSession, "bot"},
		{"root", ""},
		{auth.ScopeAgent, strings.Repeat("x", 129)},
	} {
		_, _, err := a.CreateKey(t.Context(), test.scope, test.agent, "")
		require.Equal(t, handoff.CodeInvalid, handoff.CodeOf(err), "%v", test)
	}
}

func TestAuthorize(t *testing.T) {
	t.Parallel()
	a := newAuth(&keyTable{}, sessions{"mine": {ID: "mine", AgentID: "bot"}, "foreign": {ID: "foreign", AgentID: "other"}})
	all := []auth.Scope{auth.ScopeAdmin, auth.ScopeAgent, auth.ScopeSession}
	admin := auth.Principal{Scope: auth.ScopeAdmin}
	agent := auth.Principal{Scope: auth.ScopeAgent, AgentID: "bot"}
	token := auth.Principal{Scope: auth.ScopeSession, AgentID: "bot", SessionID: "mine"}
	for _, test := range []struct {
		desc   string
		p      auth.Principal
		scopes []auth.Scope
		target auth.Target
		ok     bool
	}{
		{"admin, anything", admin, all, auth.Target{AgentID: "x", SessionID: "y"}, true},
		{"agent, own agent", agent, all, auth.Target{AgentID: "bot"}, true},
		{"agent, own session", agent, all, auth.Target{SessionID: "mine"}, true},
		{"agent, no target", agent, all, auth.Target{}, true},
		{"agent, other agent", agent, all, auth.Target{AgentID: "other"}, false},
		{"agent, foreign session", agent, all, auth.Target{SessionID: "foreign"}, false},
		{"agent, unknown session", agent, all, auth.Target{SessionID: "nowhere"}, false},
		{"agent, admin's call", agent, all[:1], auth.Target{}, false},
		{"token, own session", token, all, auth.Target{SessionID: "mine"}, true},
		{"token, foreign session", token, all, auth.Target{SessionID: "foreign"}, false},
		{"token, no session", token, all, auth.Target{AgentID: "bot"}, false},
		{"token, agent's call", token, all[:2], auth.Target{SessionID: "mine"}, false},
		{"nobody", auth.Principal{}, all, auth.Target{}, false},
	} {
		t.Run(test.desc, func(t *testing.T) {
			t.Parallel()
			err := a.Authorize(t.Context(), test.p, test.scopes, test.target)
			if test.ok {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, auth.ErrPermission)
		})
	}
}

// counted counts how often sessions are read.
type counted struct {
	sessions

	reads int
}

func (c *counted) Session(ctx context.Context, id string) (*handoff.Session, error) {
	c.reads++
	return c.sessions.Session(ctx, id)
}

// A session is read once for many calls, and a token that outlives its session is
// found out all the same.
func TestSessionsAreReadOnce(t *testing.T) {
	t.Parallel()
	s, now := &handoff.Session{ID: "ses_1", AgentID: "bot", State: handoff.StateActive}, time.Unix(1_000, 0)
	c := &counted{sessions: sessions{"ses_1": s}}
	a := auth.New(auth.Config{Store: &keyTable{}, Sessions: c, TokenKeys: [][]byte{tokenKey}, Now: func() time.Time { return now }})
	token := a.NewSessionToken("ses_1")
	agent := auth.Principal{Scope: auth.ScopeAgent, AgentID: "bot"}
	for range 10 {
		_, err := a.Authenticate(t.Context(), token)
		require.NoError(t, err)
		require.NoError(t, a.Authorize(t.Context(), agent, []auth.Scope{auth.ScopeAgent}, auth.Target{SessionID: "ses_1"}))
	}
	require.Equal(t, 1, c.reads)

	now = now.Add(time.Minute)
	s.State, s.CloseTime = handoff.StateClosed, now
	now = now.Add(auth.TokenGrace)
	_, err := a.Authenticate(t.Context(), token)
	require.NoError(t, err)
	now = now.Add(time.Microsecond)
	_, err = a.Authenticate(t.Context(), token)
	require.ErrorIs(t, err, auth.ErrTokenExpired)
	require.NoError(t, a.Authorize(t.Context(), agent, []auth.Scope{auth.ScopeAgent}, auth.Target{SessionID: "ses_1"}), "a key is no token")
}

// A server whose keys nobody uses looks for revoked ones no more, and begins
// again with the next use.
func TestKeysOutOfUseAreNotFollowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := &keyTable{}
		a := newAuth(table, nil)
		run, stop := context.WithCancel(t.Context())
		defer stop()
		go a.Run(run, slog.New(slog.DiscardHandler))
		secret, key, err := a.CreateKey(t.Context(), auth.ScopeAgent, "bot", "")
		require.NoError(t, err)
		_, err = a.Authenticate(t.Context(), secret)
		require.NoError(t, err)
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		before := table.lists.Load()
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Equal(t, before, table.lists.Load())

		_, err = a.Authenticate(t.Context(), secret)
		require.NoError(t, err)
		_, err = newAuth(table, nil).RevokeKey(t.Context(), key.ID)
		require.NoError(t, err, "by another process")
		time.Sleep(time.Second)
		synctest.Wait()
		_, err = a.Authenticate(t.Context(), secret)
		require.ErrorIs(t, err, auth.ErrUnauthenticated)
	})
}
