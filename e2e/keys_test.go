package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
)

// listAgents is a call for which only a key of scope admin is enough.
func listAgents(t *testing.T, c *client) error {
	t.Helper()
	_, err := c.ListAgents(t.Context(), &handoffv1.ListAgentsRequest{})
	return err
}

func TestRevokedKeyIsRefused(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	session, _ := s.admin.request(t, "shop", "conversation")
	s.admin.awaitState(t, session.GetId(), waiting)

	for name, revoke := range map[string]func(id string){
		"by RPC": func(id string) {
			for range 2 {
				answer, err := s.admin.keys.RevokeKey(t.Context(), &handoffv1.RevokeKeyRequest{Id: id})
				require.NoError(t, err, "revoking is idempotent")
				assert.True(t, recent(answer.GetKey().GetRevokeTime().AsTime()))
			}
		},
		"on the command line": func(id string) { s.handoff("keys", "revoke", id) },
	} {
		t.Run(name, func(t *testing.T) {
			agent, info := s.createKey(handoffv1.Key_SCOPE_AGENT, "shop")
			stream := agent.follow(t, session.GetId(), 2)
			require.Empty(t, stream.part().GetEvents())
			events := agent.listen(t, session.GetId(), "?after_sequence=1")
			require.EqualValues(t, 2, events.next().GetSequence())

			revoke(info.GetId())
			revoked := time.Now()
			eventually(t, func() error {
				_, err := agent.GetSession(t.Context(), &handoffv1.GetSessionRequest{SessionId: session.GetId()})
				if connect.CodeOf(err) != connect.CodeUnauthenticated {
					return fmt.Errorf("still let in: %w", err)
				}
				return nil
			})
			assert.Less(t, time.Since(revoked), 1500*time.Millisecond, "refused within a second")
			requireCode(t, connect.CodeUnauthenticated, stream.end())
			assert.Nil(t, events.next(), "the stream ends")
			assert.Less(t, time.Since(revoked), 5*time.Second)
		})
	}
	_, err := s.admin.keys.RevokeKey(t.Context(), &handoffv1.RevokeKeyRequest{Id: "unknown"})
	requireCode(t, connect.CodeNotFound, err)
	require.NoError(t, listAgents(t, s.admin), "other keys stay")
}

func TestKeysCommand(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	create := func(args ...string) *client {
		t.Helper()
		stdout, _ := s.handoff(append([]string{"keys", "create"}, args...)...)
		words := strings.Fields(stdout)
		key := words[len(words)-1]
		assert.GreaterOrEqual(t, len(key), 43, "256 bits")
		s.vault.addHanded("key made on the command line", key, handoffv1connect.KeyServiceCreateKeyProcedure)
		return s.client(key)
	}
	require.NoError(t, listAgents(t, create("--scope", "admin")), "it works at once, beside a running server")
	requireCode(t, connect.CodePermissionDenied, listAgents(t, create("--scope", "agent", "--agent", "shop")))
	requireCode(t, connect.CodePermissionDenied, listAgents(t, create("--scope=desk", "--agent=shop")))

	stdout, _ := s.handoff("keys", "list")
	s.vault.mu.Lock()
	for value := range s.vault.secrets {
		assert.NotContains(t, stdout, value)
	}
	s.vault.mu.Unlock()
	list, err := s.admin.keys.ListKeys(t.Context(), &handoffv1.ListKeysRequest{PageSize: 2})
	require.NoError(t, err)
	require.Len(t, list.GetKeys(), 2)
	assert.Equal(t, handoffv1.Key_SCOPE_DESK, list.GetKeys()[0].GetScope(), "the newest first")
	for _, key := range list.GetKeys() {
		assert.Contains(t, stdout, key.GetId())
	}
	list, err = s.admin.keys.ListKeys(t.Context(), &handoffv1.ListKeysRequest{PageSize: 2, PageToken: list.GetNextPageToken()})
	require.NoError(t, err)
	require.Len(t, list.GetKeys(), 1)
	assert.Equal(t, handoffv1.Key_SCOPE_ADMIN, list.GetKeys()[0].GetScope())
	assert.Empty(t, list.GetNextPageToken())

	for _, args := range [][]string{
		{"keys", "create"},
		{"keys", "create", "--scope", "king"},
		{"keys", "create", "--scope", "agent"},
		{"keys", "create", "--scope", "admin", "--agent", "shop"},
	} {
		_, stderr, code := runProgram(t, t.TempDir(), nil, bin.handoff, append(args, "--database=sqlite://"+s.database())...)
		assert.Equal(t, 2, code, "%v: %s", args, stderr)
		assert.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
	}
	_, stderr, code := runProgram(t, t.TempDir(), nil, bin.handoff, "keys", "revoke", "unknown", "--database=sqlite://"+s.database())
	assert.NotZero(t, code)
	assert.NotEmpty(t, stderr)
}
