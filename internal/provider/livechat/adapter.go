package livechat

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// Adapter talks to one organization.
type Adapter struct {
	deps          provider.Deps
	config        *handoffv1.LiveChatConfig
	cookie        bool   // customers are told apart by cookies
	accounts      string // address of the Accounts APIs
	api           string // address of all other APIs, with the version
	webhookSecret string // empty = webhooks have none
}

var (
	_ provider.Adapter    = (*Adapter)(nil)
	_ provider.Reconciler = (*Adapter)(nil)
	_ provider.Installer  = (*Adapter)(nil)
	_ provider.Stripper   = (*Adapter)(nil)
)

// refData is what later calls of a session need.
type refData struct {
	customer

	Thread string `json:"thread,omitempty"` // empty until the chat has begun
}

func dataOf(c provider.Call) (refData, error) {
	var d refData
	if err := json.Unmarshal([]byte(c.Ref.Data), &d); err != nil || d.Entity == "" {
		return d, provider.Errorf(provider.ClassRejected, "the session was begun by another version")
	}
	return d, nil
}

// Check implements provider.Adapter: there has to be a consent, for the right
// organization and with the right to make customers. Where they are made by
// cookies there is nothing to ask before the receive URL is known; see Install.
func (a *Adapter) Check(ctx context.Context) error {
	if a.cookie {
		return a.probe(ctx)
	}
	return a.withAgent(ctx, func(token string) error {
		info, err := a.info(ctx, token)
		switch {
		case err != nil:
			return err
		case info.OrganizationID != "" && info.OrganizationID != a.config.GetOrganizationId():
			return provider.Errorf(provider.ClassConsent, "the consent is for the organization %s, and this connection is to %s", info.OrganizationID, a.config.GetOrganizationId())
		case len(info.Scope) > len(`""`) && !strings.Contains(string(info.Scope), "customers"):
			return provider.Errorf(provider.ClassIncomplete, "the app lacks the scope customers:own; add it in the block App Authorization and open authorize_url again")
		}
		return nil
	})
}

// probe makes a customer without a chat, whom nobody sees, and keeps them in mind.
func (a *Adapter) probe(ctx context.Context) error {
	if a.deps.ReceiveURL == "" {
		return nil
	}
	_, err := a.deps.Tokens.Get(ctx, a.customerKey("probe"), func(ctx context.Context) (provider.Token, error) {
		answer, _, err := a.identify(ctx, customer{})
		return a.tokenOf(answer.AccessToken, answer.ExpiresIn), err
	})
	return err
}

// newEvent is an event as it is sent.
type newEvent struct {
	Type       string `json:"type"`
	Text       string `json:"text,omitempty"`
	CustomID   string `json:"custom_id"`
	Recipients string `json:"recipients"`
}

// Open implements provider.Adapter. The customer is made first and kept, so that a
// repeat goes on with the same one; a customer has one chat.
func (a *Adapter) Open(ctx context.Context, c provider.Call, start handoff.Start) (handoff.Ref, error) {
	var d refData
	if c.Ref.Data != "" && json.Unmarshal([]byte(c.Ref.Data), &d) == nil && d.Entity != "" {
		if ref, err := a.begun(ctx, d); err != nil || ref.ID != "" {
			return ref, err
		}
		return a.begin(ctx, c, d, start)
	}
	var err error
	if d.customer, err = a.newCustomer(ctx); err != nil {
		return handoff.Ref{}, err
	}
	if c.Keep != nil {
		if err := c.Keep(ctx, encode(d)); err != nil {
			return handoff.Ref{}, provider.Errorf(provider.ClassTransient, "keep the customer: %w", err)
		}
	}
	return a.begin(ctx, c, d, start)
}

// begin tells who a customer is and begins the chat.
func (a *Adapter) begin(ctx context.Context, c provider.Call, d refData, start handoff.Start) (handoff.Ref, error) {
	if err := a.asCustomer(ctx, d.customer, "update_customer", profile(c.SessionID, start), nil); err != nil {
		return handoff.Ref{}, err
	}
	var made struct {
		ChatID   string `json:"chat_id"`
		ThreadID string `json:"thread_id"`
	}
	err := a.asCustomer(ctx, d.customer, "start_chat", map[string]any{
		"active": true, "continuous": true,
		"chat": map[string]any{
			"access": map[string]any{"group_ids": []int64{a.config.GetGroupId()}},
			"thread": map[string]any{"events": opening(c.SessionID, start)},
		},
	}, &made)
	if kindOf(err) == errLimitReached { // the HTTP client may have repeated the call by itself
		if ref, looked := a.begun(ctx, d); looked != nil || ref.ID != "" {
			return ref, looked
		}
	}
	if err != nil {
		return handoff.Ref{}, err
	}
	if made.ChatID == "" {
		return handoff.Ref{}, provider.Errorf(provider.ClassTransient, "the answer holds no chat")
	}
	d.Thread = made.ThreadID
	return handoff.Ref{ID: made.ChatID, Data: encode(d)}, nil
}

func encode(d refData) string {
	data, _ := json.Marshal(d) // strings alone
	return string(data)
}

// begun looks for the chat that an earlier attempt began; an empty Ref if there is none.
func (a *Adapter) begun(ctx context.Context, d refData) (handoff.Ref, error) {
	var list chatList
	if err := a.asCustomer(ctx, d.customer, "list_chats", nil, &list); err != nil || len(list.Chats) == 0 {
		return handoff.Ref{}, err
	}
	d.Thread = list.Chats[0].LastThreadID
	return handoff.Ref{ID: list.Chats[0].ID, Data: encode(d)}, nil
}

// opening are the first events of a chat: what was said before in as few as
// possible, and the question alone.
func opening(sessionID string, start handoff.Start) []newEvent {
	var events []newEvent
	if len(start.Transcript) > 0 {
		lines := []string{"Conversation with the assistant so far"}
		for _, turn := range start.Transcript {
			who := "Customer"
			if turn.Role == handoff.RoleAssistant {
				who = "Assistant"
			}
			lines = append(lines, who+": "+turn.Text)
		}
		events = messages(sessionID+":transcript", strings.Join(lines, "\n"))
	}
	switch {
	case start.Question != "":
		events = append(events, messages(sessionID+":question", start.Question)...)
	case len(events) == 0:
		events = messages(sessionID+":question", "(asks for a human)")
	}
	return events
}

// messages is a text as events, cut where one would be too long.
func messages(customID, text string) []newEvent {
	var events []newEvent
	for i, part := range cut(text) {
		id := customID
		if i > 0 {
			id = fmt.Sprintf("%s:%d", customID, i+1)
		}
		events = append(events, newEvent{Type: typeMessage, Text: part, CustomID: id, Recipients: toAll})
	}
	return events
}

// cut cuts a text into parts that LiveChat takes, between letters.
func cut(text string) []string {
	var parts []string
	for len(text) > maxText {
		end := maxText
		for !utf8.RuneStart(text[end]) {
			end--
		}
		parts, text = append(parts, text[:end]), text[end:]
	}
	return append(parts, text)
}

// Send implements provider.Adapter.
func (a *Adapter) Send(ctx context.Context, c provider.Call, m handoff.Message) (string, error) {
	d, err := dataOf(c)
	if err != nil {
		return "", err
	}
	sent := map[string]string{}
	if c.Repeat {
		if sent, err = a.sentBefore(ctx, c, d); err != nil {
			return "", err
		}
	}
	last := ""
	for _, e := range messages(c.IdempotencyKey, m.Text) {
		if last = sent[e.CustomID]; last != "" {
			continue
		}
		var answer struct {
			EventID string `json:"event_id"`
		}
		err := a.asCustomer(ctx, d.customer, "send_event", map[string]any{"chat_id": c.Ref.ID, "event": e, "attach_to_last_thread": false}, &answer)
		if err != nil {
			return "", err
		}
		last = answer.EventID
	}
	return last, nil
}

// sentBefore returns the ids of our events in a chat, by the ids that we gave them.
func (a *Adapter) sentBefore(ctx context.Context, c provider.Call, d refData) (map[string]string, error) {
	var list threadList
	if err := a.asCustomer(ctx, d.customer, "list_threads", map[string]any{"chat_id": c.Ref.ID}, &list); err != nil {
		return nil, err
	}
	sent := map[string]string{}
	for _, t := range list.Threads {
		for _, e := range t.Events {
			if e.CustomID != "" {
				sent[e.CustomID] = e.ID
			}
		}
	}
	return sent, nil
}

// Close implements provider.Adapter: the chat is archived, as when a customer ends
// it. An end that came from LiveChat is not told, and what is over is closed.
func (a *Adapter) Close(ctx context.Context, c provider.Call, reason handoff.CloseReason) error {
	if reason == handoff.ClosedByHuman || reason == handoff.ClosedByProvider || c.Ref.ID == "" {
		return nil
	}
	d, err := dataOf(c)
	if err != nil {
		return err
	}
	err = a.asCustomer(ctx, d.customer, "deactivate_chat", map[string]any{"id": c.Ref.ID}, nil)
	if slices.Contains([]string{errChatInactive, errAnonymized, errNotFound}, kindOf(err)) {
		return nil
	}
	return err
}
