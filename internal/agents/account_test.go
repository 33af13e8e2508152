package agents_test

import (
	"net/http"
	"net/http/httptest"
	"path"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/intercom/intercomtest"
)

// connect configures an agent with a workspace and returns its connection's id.
func (b *bench) connect(agentID string, c *handoffv1.IntercomConfig) *agents.View {
	b.t.Helper()
	v, err := b.svc.Configure(b.t.Context(), agents.Change{AgentID: agentID, Kind: "intercom", Config: c, Settings: keep})
	require.NoError(b.t, err)
	return v
}

func TestHandshakesAreAnsweredBeforeTheSecretsAreKnown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.connect("bot", &handoffv1.IntercomConfig{})
	require.Equal(t, handoff.ServiceNotConfigured, v.Status.State)
	require.Equal(t, []string{"access_token", "client_secret"}, v.Status.MissingFields)
	token := path.Base(v.ReceiveURL)
	got, err := b.svc.Receive(t.Context(), "intercom", token, provider.Request{Method: http.MethodHead})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, got.Reply.Status)
	require.Empty(t, got.Inbound)
	_, err = b.svc.Receive(t.Context(), "intercom", token, provider.Request{Method: http.MethodPost, Body: []byte("{}")})
	require.Error(t, err, "all else has to be proved")
	_, err = b.svc.Receive(t.Context(), "intercom", "x"+token, provider.Request{Method: http.MethodHead})
	require.ErrorIs(t, err, agents.ErrUnknownToken)
}

// TestAnAccountMayServeSeveralAgents matters because a vendor knows one URL of it.
// A workspace at the same address with other secrets is another account.
func TestAnAccountMayServeSeveralAgents(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	workspace, other := intercomtest.New(func() time.Time { return b.now }), intercomtest.New(func() time.Time { return b.now })
	server := httptest.NewServer(workspace)
	t.Cleanup(server.Close)
	one := b.connect("one", workspace.Config(server.URL).(*handoffv1.IntercomConfig))
	require.Equal(t, handoff.ServiceAvailable, one.Status.State, one.Status.Reason)
	two := b.connect("two", workspace.Config(server.URL).(*handoffv1.IntercomConfig))
	stranger := b.connect("stranger", other.Config(server.URL).(*handoffv1.IntercomConfig))
	require.Equal(t, one.Agent.Connection.Account, stranger.Agent.Connection.Account)
	require.Equal(t, handoff.ReasonCredentials, stranger.Status.ReasonCode)

	hooks, err := workspace.Do("", emulator.Act{Kind: emulator.Greet})
	require.NoError(t, err)
	ids, err := b.svc.Siblings(t.Context(), one.Agent.Connection.ID, hooks[1])
	require.NoError(t, err)
	require.Equal(t, []string{two.Agent.Connection.ID}, ids)
}

func TestASecretThatWasReplacedIsAcceptedForADay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	workspace := intercomtest.New(func() time.Time { return b.now })
	server := httptest.NewServer(workspace)
	t.Cleanup(server.Close)
	config := workspace.Config(server.URL).(*handoffv1.IntercomConfig)
	token := path.Base(b.connect("bot", config).ReceiveURL)
	config.ClientSecret = "the next one"
	b.connect("bot", config)
	signedWithTheOld := func() provider.Request {
		hooks, err := workspace.Do("", emulator.Act{Kind: emulator.Greet})
		require.NoError(t, err)
		return hooks[1]
	}
	_, err := b.svc.Receive(t.Context(), "intercom", token, signedWithTheOld())
	require.NoError(t, err)
	b.now = b.now.Add(25 * time.Hour)
	_, err = b.svc.Receive(t.Context(), "intercom", token, signedWithTheOld())
	require.Equal(t, handoff.CodeUnauthenticated, handoff.CodeOf(err))
}
