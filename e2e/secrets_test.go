package e2e_test

import (
	"encoding/base64"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

// TestSecrets leads a server through everything in which a secret takes part, also
// what fails, and kills it so that the write-ahead log is still there. The search
// itself is that of every server of these tests (see startServer).
func TestSecrets(t *testing.T) {
	t.Parallel()
	encryption := base64.StdEncoding.EncodeToString([]byte(randomSecret()[:32]))
	s := startServer(t, withFixedPort(), func(s *server) {
		s.vault.add("encryption key", encryption)
		s.env = append(s.env, "HANDOFF_ENCRYPTION_KEY="+encryption, "HANDOFF_LOG_FORMAT=json")
	})
	r := startSecuredReceiver(t)
	s.vault.add("basic credentials", base64.StdEncoding.EncodeToString([]byte(r.username+":"+r.password)))
	s.configure("shop", r)
	agent := s.agentClient("shop")
	session, token := agent.request(t, "shop", "conversation")
	customer := s.client(token)
	customer.send(t, session.GetId(), "1", "Hello?")
	agent.awaitState(t, session.GetId(), waiting)
	r.await(session.GetId(), "/chat", 1)

	// Failures quote what failed; they must not quote secrets.
	wrong := webhookRequest("wrong", r)
	wrong.GetWebhook().Password = randomSecret()
	s.configured(wrong)
	unreachable := webhookRequest("unreachable", r)
	unreachable.GetWebhook().Url = "http://" + freeAddress(t) + "/path"
	s.configured(unreachable)
	invalid := webhookRequest("invalid", r)
	invalid.GetWebhook().Url = "https://desk.example/?password=" + url.QueryEscape(s.vault.add("secret in a URL", randomSecret()))
	_, err := s.admin.ConfigureProvider(t.Context(), invalid)
	require.Error(t, err)
	unknown := s.vault.add("unknown key", randomSecret())
	require.Error(t, listAgents(t, s.client(unknown)))
	require.Error(t, listAgents(t, customer))
	s.client("").post(t, "/v1/human/close?key="+url.QueryEscape(unknown), humanClose(session.GetId()))
	s.client(unknown).post(t, "/v1/human/close", humanClose(session.GetId()))
	r.misbehave(`{"path":"/chat","answers":[500,401],"password":"changed"}`)
	customer.send(t, session.GetId(), "2", "Still there?")
	r.await(session.GetId(), "/chat", 2)

	_ = s.provider("shop")
	for _, read := range []func() error{
		func() error { return listAgents(t, s.admin) },
		func() error {
			_, err := s.admin.keys.ListKeys(t.Context(), &handoffv1.ListKeysRequest{})
			return err
		},
		func() error {
			_, err := s.admin.ops.ListDeliveries(t.Context(), &handoffv1.ListDeliveriesRequest{})
			return err
		},
	} {
		require.NoError(t, read())
	}
	s.kill()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		assert.FileExists(t, s.database()+suffix)
	}
	assert.GreaterOrEqual(t, s.vault.checkFiles(t, s.dir), 5, "the database's three files and two logs")
	assert.NoFileExists(t, s.database()+".encryption-key", "the key was given")
}

// TestSecretsAreFound proves that the search finds what it looks for.
func TestSecretsAreFound(t *testing.T) {
	t.Parallel()
	v := newVault()
	value := v.add("password", randomSecret())
	for name, text := range map[string]string{
		"plain":      "x" + value + "y",
		"URL":        "?p=" + url.QueryEscape(value),
		"base64":     base64.StdEncoding.EncodeToString([]byte(value)),
		"basic":      base64.StdEncoding.EncodeToString([]byte("desk:" + value)),
		"basic, two": base64.StdEncoding.EncodeToString([]byte("a:" + value + "!")),
		"URL base64": base64.RawURLEncoding.EncodeToString([]byte(value + "??")),
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), []byte(text), 0o600))
		found := &counter{}
		v.checkFilesWith(found, dir)
		assert.Positive(t, found.count, name)
	}
	kept := v.record("/procedure")
	_, _ = kept.Write([]byte("an answer with " + value))
	_ = kept.Close()
	found := &counter{}
	v.checkAnswersWith(found)
	assert.Positive(t, found.count)
}

// counter counts failures instead of failing.
type counter struct{ count int }

func (c *counter) Errorf(string, ...any) { c.count++ }
