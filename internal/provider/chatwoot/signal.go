package chatwoot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// identifierKept is how long an inbox is believed to have the same identifier.
const identifierKept = time.Hour

// identifier is what customers call the inbox. Who knows it and a source can write in
// the customer's name, so it is remembered as other credentials are.
func (a *Adapter) identifier(ctx context.Context) (string, error) {
	digest := sha256.Sum256([]byte(a.token))
	key := "inbox " + strconv.FormatInt(a.inboxID, 10) + " " + hex.EncodeToString(digest[:8])
	return a.tokens.Get(ctx, key, func(ctx context.Context) (provider.Token, error) {
		i, err := a.client.getInbox(ctx)
		if err == nil && i.Identifier == "" {
			err = provider.Errorf(provider.ClassRejected, "Chatwoot does not tell the inbox's identifier")
		}
		return provider.Token{Value: i.Identifier, Expires: a.client.rest.Now().Add(identifierKept)}, err
	})
}

// asCustomer does something in a conversation that only its customer can do.
func (a *Adapter) asCustomer(ctx context.Context, c provider.Call, what string, body any) error {
	identifier, err := a.identifier(ctx)
	if err != nil {
		return err
	}
	path := "/inboxes/" + url.PathEscape(identifier) + "/contacts/" + url.PathEscape(a.source(c.SessionID)) + conversationPath(c.Ref.ID) + "/" + what
	err = a.client.public.Do(ctx, restapi.Call{Method: http.MethodPost, Path: path, Body: body})
	if cut, ok := errors.AsType[*url.Error](err); ok {
		return provider.Errorf(provider.ClassTransient, "%w", cut.Err) // without the address
	}
	return err
}

// Typing implements provider.Typer. The same call with our token would show its user
// typing instead of the customer.
func (a *Adapter) Typing(ctx context.Context, c provider.Call, active bool) error {
	status := "off"
	if active {
		status = "on"
	}
	return a.asCustomer(ctx, c, "toggle_typing", map[string]string{"typing_status": status})
}

// Read implements provider.Reader.
func (a *Adapter) Read(ctx context.Context, c provider.Call) error {
	return a.asCustomer(ctx, c, "update_last_seen", struct{}{})
}

// typingTold reads a webhook about somebody who types: nothing unless it is an agent
// who answers. Customers come by the same event, without a type.
func typingTold(event string, body []byte) ([]handoff.Inbound, error) {
	var e typingEvent
	if json.Unmarshal(body, &e) != nil || e.Conversation.ID == "" {
		return nil, invalid("%s without a conversation", event)
	}
	if e.Private || !strings.EqualFold(e.User.Type, typeUser) {
		return nil, nil
	}
	return []handoff.Inbound{{Ref: string(e.Conversation.ID), Key: event + ":" + string(e.Conversation.ID), Body: handoff.HumanTyping{Active: event == eventTyping}}}, nil
}
