package zendesk

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// What we note down at Zendesk to find it again.
const (
	metaSession = "handoffSession"
	metaMessage = "handoffMessage"
)

// client makes the calls.
type client struct{ rest restapi.Client }

// judge turns an answer into an error.
func judge(now handoff.Clock) func(int, http.Header, []byte) error {
	return func(status int, header http.Header, body []byte) error {
		var said refusalBody
		_ = json.Unmarshal(body, &said) // else it is quoted as it is
		var texts []string
		for _, e := range said.Errors {
			texts = append(texts, strings.TrimSuffix(e.Code+": "+e.Title, ": "))
		}
		if len(texts) > 0 {
			body = []byte(strings.Join(texts, "; "))
		}
		return provider.FromStatus(status, header, now(), body)
	}
}

func statusOf(err error) int {
	if e, ok := errors.AsType[*provider.Error](err); ok {
		return e.Status
	}
	return 0
}

func isGone(err error) bool {
	status := statusOf(err)
	return status == http.StatusNotFound || status == http.StatusGone
}

func (c *client) get(ctx context.Context, path string, into any) error {
	return c.rest.Do(ctx, restapi.Call{Method: http.MethodGet, Path: path, Into: into})
}

func (c *client) post(ctx context.Context, path string, body, into any) error {
	return c.rest.Do(ctx, restapi.Call{Method: http.MethodPost, Path: path, Body: body, Into: into})
}

// integrations returns what can be in control of conversations.
func (c *client) integrations(ctx context.Context) ([]integration, error) {
	var boards switchboardList
	if err := c.get(ctx, "/switchboards", &boards); err != nil {
		return nil, err
	}
	var all []integration
	for _, board := range boards.Switchboards {
		var list integrationList
		if err := c.get(ctx, "/switchboards/"+url.PathEscape(board.ID)+"/switchboardIntegrations", &list); err != nil {
			return nil, err
		}
		all = append(all, list.Integrations...)
	}
	return all, nil
}

func conversationPath(id string) string { return "/conversations/" + url.PathEscape(id) }

func (c *client) conversation(ctx context.Context, id string) (conversation, error) {
	var got conversationAnswer
	err := c.get(ctx, conversationPath(id), &got)
	return got.Conversation, err
}

// converse begins a conversation of a user.
func (c *client) converse(ctx context.Context, userID, sessionID string) (conversation, error) {
	var made conversationAnswer
	err := c.post(ctx, "/conversations", map[string]any{
		"type":         "personal",
		"participants": []any{map[string]any{"userId": userID, "subscribeSDKClient": false}},
		"displayName":  "Handoff",
		"metadata":     map[string]any{metaSession: sessionID},
	}, &made)
	if err == nil && made.Conversation.ID == "" {
		err = provider.Errorf(provider.ClassTransient, "the answer names no conversation")
	}
	return made.Conversation, err
}

// maxPages bounds how many pages of a list are read, of 100 messages each.
const maxPages = 10

// find returns the conversation of a user that was begun for a session; an empty
// one if there is none.
func (c *client) find(ctx context.Context, userID, sessionID string) (conversation, error) {
	query := url.Values{"filter[userId]": {userID}}
	for range maxPages {
		var list conversationList
		if err := c.get(ctx, "/conversations?"+query.Encode(), &list); err != nil {
			return conversation{}, err
		}
		for _, found := range list.Conversations {
			if found.Metadata.text(metaSession) == sessionID {
				return found, nil
			}
		}
		if !list.Meta.HasMore || list.Meta.After == "" {
			break
		}
		query.Set("page[after]", list.Meta.After)
	}
	return conversation{}, nil
}

// messages returns the messages of a conversation since a time, the oldest first.
// The newest page comes first.
func (c *client) messages(ctx context.Context, conversationID string, since time.Time) ([]message, error) {
	var all []message
	query := url.Values{}
	for range maxPages {
		var list messageList
		if err := c.get(ctx, conversationPath(conversationID)+"/messages?"+query.Encode(), &list); err != nil {
			return nil, err
		}
		all = append(slices.Clip(list.Messages), all...)
		if !list.Meta.HasMore || list.Meta.Before == "" || len(list.Messages) == 0 || list.Messages[0].Received.Before(since) {
			break
		}
		query.Set("page[before]", list.Meta.Before)
	}
	return slices.DeleteFunc(all, func(m message) bool { return m.Received.Before(since) }), nil
}

// write writes a text and returns its id.
func (c *client) write(ctx context.Context, conversationID string, from map[string]any, key, text string) (string, error) {
	return c.say(ctx, conversationID, from, key, map[string]any{"type": "text", "text": text})
}

// say writes any content and returns its id.
func (c *client) say(ctx context.Context, conversationID string, from map[string]any, key string, content map[string]any) (string, error) {
	var made messageList
	err := c.post(ctx, conversationPath(conversationID)+"/messages", map[string]any{
		"author": from, "content": content, "metadata": map[string]any{metaMessage: key},
	}, &made)
	if err != nil || len(made.Messages) == 0 {
		return "", err
	}
	return made.Messages[0].ID, nil
}

// upload puts a file where messages of a conversation can have it, until that is deleted.
func (c *client) upload(ctx context.Context, conversationID string, file restapi.Part) (address string, err error) {
	form, err := restapi.Multipart(nil, []restapi.Part{file})
	if err != nil {
		return "", provider.Errorf(provider.ClassRejected, "%w", err)
	}
	defer form.Close()
	query := url.Values{"access": {"public"}, "for": {"message"}, "conversationId": {conversationID}}
	var made attachmentAnswer
	err = c.rest.Do(ctx, restapi.Call{Method: http.MethodPost, Path: "/attachments?" + query.Encode(), File: &form.File, Into: &made})
	if err == nil && made.Attachment.MediaURL == "" {
		err = provider.Errorf(provider.ClassTransient, "the answer names no attachment")
	}
	return made.Attachment.MediaURL, err
}

func (c *client) read(ctx context.Context, conversationID, userID string) error {
	return c.post(ctx, conversationPath(conversationID)+"/activity", map[string]any{"author": asUser(userID), "type": "conversation:read"}, nil)
}

// asUser and asBusiness are who writes.
func asUser(userID string) map[string]any { return map[string]any{"type": byUser, "userId": userID} }

func asBusiness() map[string]any {
	return map[string]any{"type": byBusiness, "displayName": "Handoff"}
}

func (c *client) passControl(ctx context.Context, conversationID, to string, fields map[string]any) error {
	return c.post(ctx, conversationPath(conversationID)+"/passControl", map[string]any{"switchboardIntegration": to, "metadata": fields}, nil)
}

func (c *client) releaseControl(ctx context.Context, conversationID string) error {
	return c.post(ctx, conversationPath(conversationID)+"/releaseControl", map[string]any{}, nil)
}
