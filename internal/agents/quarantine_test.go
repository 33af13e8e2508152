package agents_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/all"
)

// A webhook that is genuine and makes no sense is kept, without what it proved
// itself with; one that is not genuine leaves nothing.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.mustConfigure(&handoffv1.WebhookConfig{Url: b.desk.URL, Password: password, SigningSecret: "secret"})
	token := v.ReceiveURL[strings.LastIndex(v.ReceiveURL, "/")+1:]
	receive := func(body, secret string) error {
		wh, err := standardwebhooks.NewWebhookRaw([]byte(secret))
		require.NoError(t, err)
		signature, err := wh.Sign("id", b.now, []byte(body))
		require.NoError(t, err)
		_, err = b.svc.Receive(t.Context(), "webhook", token, provider.Request{
			Method: http.MethodPost, Path: "/human/message/receive", Body: []byte(body), Time: b.now,
			Header: http.Header{
				"Webhook-Id": {"id"}, "Webhook-Timestamp": {strconv.FormatInt(b.now.Unix(), 10)}, "Webhook-Signature": {signature},
				"Authorization": {"Bearer top secret"},
			},
		})
		return err
	}
	require.Equal(t, handoff.CodeUnauthenticated, handoff.CodeOf(receive("{", "another secret")))
	for range 2 {
		require.Equal(t, handoff.CodeInvalid, handoff.CodeOf(receive(`{"conversation_id":17}`, "secret")))
	}
	list, _, err := b.store.Quarantined(t.Context(), agents.QuarantineFilter{Requests: true}, b.now, handoff.Page{})
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, 2, list[0].Count)
	require.Contains(t, list[0].Reason, "conversation_id")
	require.NotContains(t, string(list[0].Request), "conversation_id", "it is sealed")
	plain, err := b.sealer.Open(list[0].Request, []byte("quarantine:"+v.Agent.Connection.ID))
	require.NoError(t, err)
	require.Contains(t, string(plain), "/human/message/receive")
	require.NotContains(t, string(plain), "top secret")

	replay := func(svc *agents.Service) (agents.Received, error) {
		return svc.Requarantined(t.Context(), list[0].ID)
	}
	b.now = b.now.Add(7 * 24 * time.Hour) // no signature is that old
	_, err = replay(b.svc)
	require.Equal(t, handoff.CodeInvalid, handoff.CodeOf(err))
	require.NoError(t, b.svc.Replayed(t.Context(), list[0].ID, errors.New("still nonsense")))
	opened, _, err := b.svc.Quarantined(t.Context(), agents.QuarantineFilter{Requests: true}, handoff.Page{})
	require.NoError(t, err)
	require.Equal(t, "still nonsense", opened[0].Reason)
	require.Equal(t, `{"conversation_id":17}`, string(opened[0].Opened.Body))
	require.Empty(t, opened[0].Opened.Header.Get("Authorization"))

	kinds := all.Kinds()
	for i, k := range kinds {
		if k.Describe().Name == "webhook" {
			kinds[i] = newer{k}
		}
	}
	updated := b.service(kinds)
	got, err := replay(updated)
	require.NoError(t, err)
	require.Equal(t, []handoff.Inbound{{SessionID: "17", Body: handoff.HumanClosed{}}}, got.Inbound)
	require.Equal(t, v.Agent.Connection.ID, got.ConnectionID)
	require.NoError(t, updated.Replayed(t.Context(), list[0].ID, nil))
	_, err = replay(updated)
	require.ErrorIs(t, err, agents.ErrNotQuarantined)
}

// newer is the webhook kind of a later version, which understands numbers.
type newer struct{ provider.Kind }

func (k newer) Open(config proto.Message, deps provider.Deps) (provider.Adapter, error) {
	a, err := k.Kind.Open(config, deps)
	return newerAdapter{a}, err
}

type newerAdapter struct{ provider.Adapter }

func (newerAdapter) Parse(r provider.Request) (provider.Reply, []handoff.Inbound, error) {
	var body struct {
		ConversationID int `json:"conversation_id"`
	}
	err := json.Unmarshal(r.Body, &body)
	return provider.Reply{}, []handoff.Inbound{{SessionID: strconv.Itoa(body.ConversationID), Body: handoff.HumanClosed{}}}, err
}

// What was sealed by a key that is gone is listed, without its content.
func TestQuarantineOfALostKey(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.NoError(t, b.store.Quarantine(t.Context(), agents.Quarantined{
		ConnectionID: "c", AgentID: "bot", Provider: "webhook", Reason: "odd", Request: []byte("sealed elsewhere"), Digest: []byte("d"), Time: b.now,
	}))
	list, _, err := b.svc.Quarantined(t.Context(), agents.QuarantineFilter{Requests: true}, handoff.Page{})
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Nil(t, list[0].Opened)
	_, err = b.svc.Requarantined(t.Context(), list[0].ID)
	require.ErrorIs(t, err, agents.ErrSealedByLostKey)
}
