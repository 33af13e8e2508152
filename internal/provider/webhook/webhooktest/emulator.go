package webhooktest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

const prefix = "/human/service"

// The paths on which the server answers, below the receive URL.
const (
	pathMessage = "/human/message/receive"
	pathClose   = "/human/close"
)

// Emulator is a developer's server with its humans.
type Emulator struct {
	*Receiver

	events atomic.Int64
}

var _ emulator.Emulator = (*Emulator)(nil)

// New returns a server with secrets of its own.
func New(now handoff.Clock) emulator.Emulator {
	return &Emulator{Receiver: &Receiver{
		Prefix:        prefix,
		Username:      "handoff",
		Password:      `pä ss"wörd+/&` + rand.Text(),
		SigningSecret: "whsec_" + base64.StdEncoding.EncodeToString([]byte(rand.Text())),
		Now:           now,
	}}
}

// Traits is what the suite has to know of such servers.
func Traits() emulator.Traits {
	const nothing = "the contract has messages and closes alone"
	return emulator.Traits{
		New:   New,
		Spoil: func(config proto.Message) { config.(*handoffv1.WebhookConfig).Password += "x" },
		CloseAs: map[handoff.CloseReason]string{
			handoff.ClosedByCustomer:       "USER_CLOSED",
			handoff.ClosedByOperator:       "USER_CLOSED",
			handoff.ClosedByWaitTimeout:    "TIMEOUT",
			handoff.ClosedBySessionTimeout: "TIMEOUT",
			handoff.ClosedByExpiry:         "TIMEOUT",
		},
		IdempotencyKey: func(h http.Header) string { return h.Get("Idempotency-Key") },
		Expires:        true,
		Retries:        []time.Duration{time.Second, 5 * time.Second, 30 * time.Second},
		Lacks: map[emulator.ActKind]string{
			emulator.SayHTML: "texts are plain", emulator.Farewell: "a message and a close are two calls",
			emulator.Join: nothing, emulator.Transfer: nothing, emulator.Snooze: nothing, emulator.Reopen: nothing,
			emulator.Delete: nothing, emulator.Note: nothing, emulator.Bot: nothing, emulator.Echo: nothing,
			emulator.Attach: nothing, emulator.Type: nothing, emulator.Rest: nothing,
			emulator.Read: nothing, emulator.Unknown: nothing, emulator.Greet: "nothing is sent when it is entered",
		},
	}
}

// Config implements emulator.Emulator.
func (e *Emulator) Config(address string) proto.Message {
	return &handoffv1.WebhookConfig{
		Url: address + prefix + "/", Username: e.Username, Password: e.Password, SigningSecret: e.SigningSecret,
	}
}

// Sessions implements emulator.Emulator.
func (e *Emulator) Sessions() []emulator.Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]emulator.Session, 0, len(e.order))
	for _, id := range e.order {
		c := e.conversations[id]
		lines := make([]string, 0, len(c.Establish.Body))
		for _, turn := range c.Establish.Body {
			lines = append(lines, turn.MessageType+": "+*turn.Text)
		}
		user := c.Establish.UserInfo
		all = append(all, emulator.Session{
			ID:      id,
			Context: strings.Join(lines, "\n"),
			Customer: handoff.Customer{
				Email: value(user.Email), Phone: value(user.Phone), Name: user.UserName,
				UserID: value(user.UserID), AnonymousID: value(user.AnonymousID),
			},
			Lines:  append([]emulator.Line(nil), c.Lines...),
			Closed: c.Closed,
		})
	}
	return all
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Revoke implements emulator.Emulator.
func (e *Emulator) Revoke() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.revoked = true
}

// Do implements emulator.Emulator.
func (e *Emulator) Do(session string, a emulator.Act) ([]provider.Request, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, ok := e.conversations[session]
	if !ok {
		return nil, emulator.ErrNoSession
	}
	body := map[string]any{"conversation_id": session, "timestamp": e.Now().UnixMilli()}
	path := pathMessage
	switch a.Kind {
	case emulator.Say:
		body["body"] = a.Text
		c.Lines = append(c.Lines, emulator.Line{From: emulator.FromHuman, Text: a.Text})
	case emulator.Close:
		path, c.Closed = pathClose, "by a human"
	default:
		return nil, emulator.ErrLacks
	}
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return []provider.Request{e.signed(path, data)}, nil
}

// Webhook implements emulator.Emulator.
func (e *Emulator) Webhook(body []byte) provider.Request { return e.signed(pathMessage, body) }

// signed makes a call, signed with the library that the standard's authors keep.
func (e *Emulator) signed(path string, body []byte) provider.Request {
	id, now := fmt.Sprintf("evt_%d", e.events.Add(1)), e.Now()
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set(standardwebhooks.HeaderWebhookID, id)
	header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	if hook, err := standardwebhooks.NewWebhook(e.SigningSecret); err == nil {
		if signature, err := hook.Sign(id, now, body); err == nil {
			header.Set(standardwebhooks.HeaderWebhookSignature, signature)
		}
	}
	return provider.Request{Method: http.MethodPost, Path: path, Header: header, Body: body, Time: now}
}
