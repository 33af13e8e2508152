package webhook_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/providertest"
	"github.com/human-handoff/handoff/internal/provider/webhook"
	"github.com/human-handoff/handoff/internal/provider/webhook/webhooktest"
)

func TestConformance(t *testing.T) {
	providertest.Run(t, providertest.Harness{
		Kind: webhook.Kind{},
		NewVendor: func(t *testing.T, now handoff.Clock) providertest.Vendor {
			t.Helper()
			return newVendor(t, now)
		},
		Spoil: func(config proto.Message) {
			config.(*handoffv1.WebhookConfig).Password += "x"
		},
		CloseAs: map[handoff.CloseReason]string{
			handoff.ClosedByCustomer:       "USER_CLOSED",
			handoff.ClosedByOperator:       "USER_CLOSED",
			handoff.ClosedByWaitTimeout:    "TIMEOUT",
			handoff.ClosedBySessionTimeout: "TIMEOUT",
			handoff.ClosedByExpiry:         "TIMEOUT",
		},
		IdempotencyKey: func(c providertest.Recorded) string { return c.Header.Get("Idempotency-Key") },
		Expires:        true,
	})
}

// vendor is a developer's server behind the suite's interface.
type vendor struct {
	t        *testing.T
	receiver *webhooktest.Receiver
	server   *providertest.Server
	events   int
}

func newVendor(t *testing.T, now handoff.Clock) *vendor {
	t.Helper()
	v := &vendor{t: t, receiver: &webhooktest.Receiver{
		Prefix:        "/human/service",
		Username:      "handoff",
		Password:      `pä ss"wörd+/&` + rand.Text(),
		SigningSecret: "whsec_" + base64.StdEncoding.EncodeToString([]byte(rand.Text())),
		Now:           now,
	}}
	v.server = providertest.NewServer(t, v.receiver)
	return v
}

func (v *vendor) Server() *providertest.Server { return v.server }

func (v *vendor) Config() proto.Message {
	return &handoffv1.WebhookConfig{
		Url:           v.server.URL() + "/human/service/",
		Username:      v.receiver.Username,
		Password:      v.receiver.Password,
		SigningSecret: v.receiver.SigningSecret,
	}
}

func (v *vendor) Sessions() int {
	n, _ := v.receiver.Count()
	return n
}

func (v *vendor) Session(c provider.Call) (providertest.Session, bool) {
	seen, ok := v.receiver.Conversation(c.SessionID)
	if !ok {
		return providertest.Session{}, false
	}
	lines := make([]string, 0, len(seen.Establish.Body))
	for _, turn := range seen.Establish.Body {
		lines = append(lines, turn.MessageType+": "+*turn.Text)
	}
	user := seen.Establish.UserInfo
	return providertest.Session{
		Context: strings.Join(lines, "\n"),
		Customer: handoff.Customer{
			Email: value(user.Email), Phone: value(user.Phone), Name: user.UserName,
			UserID: value(user.UserID), AnonymousID: value(user.AnonymousID),
		},
		Messages: seen.Messages,
		Closed:   seen.Closed,
	}, true
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (v *vendor) Message(c provider.Call, text string) provider.Request {
	return v.post("/human/message/receive", map[string]any{
		"conversation_id": c.SessionID, "timestamp": v.receiver.Now().UnixMilli(), "body": text,
	})
}

func (v *vendor) Closed(c provider.Call) provider.Request {
	return v.post("/human/close", map[string]any{"conversation_id": c.SessionID, "timestamp": v.receiver.Now().UnixMilli()})
}

func (v *vendor) Garbage(body []byte) provider.Request { return v.sign("/human/message/receive", body) }

func (v *vendor) post(path string, body map[string]any) provider.Request {
	data, err := json.Marshal(body)
	require.NoError(v.t, err)
	return v.sign(path, data)
}

// sign signs with the library that the standard's authors keep.
func (v *vendor) sign(path string, body []byte) provider.Request {
	v.events++
	hook, err := standardwebhooks.NewWebhook(v.receiver.SigningSecret)
	require.NoError(v.t, err)
	id, now := fmt.Sprintf("evt_%d", v.events), v.receiver.Now()
	signature, err := hook.Sign(id, now, body)
	require.NoError(v.t, err)
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set(standardwebhooks.HeaderWebhookID, id)
	header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return provider.Request{Method: http.MethodPost, Path: path, Header: header, Body: body, Time: now}
}
