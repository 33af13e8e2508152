package webhook

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/stdwebhook"
)

// Adapter talks to one developer's server.
type Adapter struct {
	client    client
	skipProbe bool
}

var _ provider.Adapter = (*Adapter)(nil)

// probe stands where a probe has no conversation and no agent.
const probe = "handoff-probe"

// Check starts a session marked as a test, of which the server keeps nothing.
// With skip_probe it asks nothing.
func (a *Adapter) Check(ctx context.Context) error {
	if a.skipProbe {
		return nil
	}
	now := a.client.now().UnixMilli()
	return a.client.post(ctx, pathEstablish, probe+"-"+strconv.FormatInt(now, 10), establishBody{
		ConversationID: probe,
		Timestamp:      now,
		BotID:          probe,
		Body:           []turnBody{{MessageType: question, Text: "This only checks the connection. Please ignore it."}},
		IsTest:         true,
	})
}

// Open implements provider.Adapter. The server knows the session by our own id.
func (a *Adapter) Open(ctx context.Context, c provider.Call, start handoff.Start) (handoff.Ref, error) {
	customer := start.Customer
	err := a.client.post(ctx, pathEstablish, c.IdempotencyKey, establishBody{
		ConversationID: c.SessionID,
		Timestamp:      c.Time.UnixMilli(),
		Email:          cmp.Or(customer.Email, start.DefaultEmail),
		BotID:          c.AgentID,
		Body:           turns(start),
		UserInfo: userInfo{
			Phone: orNull(customer.Phone), Email: orNull(customer.Email),
			UserID: customer.UserID, AnonymousID: customer.AnonymousID,
			UserName: customer.Name, Locale: customer.Locale, Attributes: customer.Attributes,
		},
		Reason:        start.Reason,
		Priority:      string(start.Priority),
		Team:          start.Team,
		Tags:          start.Tags,
		Metadata:      start.Metadata,
		ProviderExtra: start.ProviderExtra,
	})
	if err != nil {
		return handoff.Ref{}, err
	}
	return handoff.Ref{ID: c.SessionID}, nil
}

// Send implements provider.Adapter. The server gives messages no id. The wire
// has no files, so they have become text before.
func (a *Adapter) Send(ctx context.Context, c provider.Call, m handoff.Message) (string, error) {
	return "", a.client.post(ctx, pathChat, c.IdempotencyKey, chatBody{
		ConversationID: c.SessionID,
		Timestamp:      c.Time.UnixMilli(),
		Body:           m.Text,
	})
}

// Close implements provider.Adapter. An end that came from the server's own
// side, or that it never had to do with, is not told.
func (a *Adapter) Close(ctx context.Context, c provider.Call, reason handoff.CloseReason) error {
	body := closeBody{ConversationID: c.SessionID, Timestamp: c.Time.UnixMilli()}
	switch reason {
	case handoff.ClosedByCustomer, handoff.ClosedByOperator:
		body.Type = closedByUser
	case handoff.ClosedByWaitTimeout, handoff.ClosedBySessionTimeout, handoff.ClosedByExpiry:
		body.Type = closedByTimeout
	default:
		return nil
	}
	return a.client.post(ctx, pathClose, c.IdempotencyKey, body)
}

// Verify implements provider.Adapter: the signing secret is what tells the
// server's calls to the receive URL from anybody else's.
func (a *Adapter) Verify(r provider.Request) error {
	if len(a.client.key) == 0 {
		return errors.New("without a signing_secret nothing can be received here: " +
			"call /v1/human/… with a key of scope agent, or set signing_secret and sign the call as in Standard Webhooks")
	}
	return stdwebhook.Verify(r.Header, a.client.key, r.Time, r.Body)
}

// Parse implements provider.Adapter: the receive URL takes what the reply
// routes take. The id of the signed call tells repeats from new ones.
func (a *Adapter) Parse(r provider.Request) (provider.Reply, []handoff.Inbound, error) {
	in, err := ParseReply(r.Path, r.Body)
	if err != nil {
		return provider.Reply{}, nil, err
	}
	if id := r.Header.Get(stdwebhook.HeaderID); id != "" {
		in.Key = digest("id", id)
	}
	reply := provider.Reply{Status: http.StatusOK, ContentType: "application/json", Body: []byte(Success)}
	return reply, []handoff.Inbound{in}, nil
}

// turns returns the transcript with the question as its end. It is never nil:
// the body's array is there even when it is empty.
func turns(start handoff.Start) []turnBody {
	body := make([]turnBody, 0, len(start.Transcript)+1)
	for _, turn := range start.Transcript {
		kind := question
		if turn.Role == handoff.RoleAssistant {
			kind = answer
		}
		body = append(body, turnBody{MessageType: kind, Text: turn.Text})
	}
	if start.Question != "" {
		body = append(body, turnBody{MessageType: question, Text: start.Question})
	}
	return body
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
