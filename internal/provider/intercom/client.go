package intercom

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// The types of messages and of those who write them.
const (
	typeComment    = "comment"
	typeNote       = "note"
	typeClose      = "close"
	typeAssignment = "assignment"
	byAdmin        = "admin"
	byUser         = "user"
	byLead         = "lead"
	toTeam         = "team"
)

// client makes the calls.
type client struct{ rest restapi.Client }

// refusal is an answer that says no, with what helps to go on.
type refusal struct {
	error

	existing string // the contact that is there already, or that another was merged into
	archived bool
}

// Unwrap returns the judged error.
func (r *refusal) Unwrap() error { return r.error }

var (
	existingID  = regexp.MustCompile(`id=([0-9a-f]{24})`)
	canonicalID = regexp.MustCompile(`/contacts/([0-9a-f]{24})>; *rel="?canonical`)
)

// judge turns an answer into an error. Intercom names no Retry-After, but when its
// window for calls ends.
func judge(now handoff.Clock) func(int, http.Header, []byte) error {
	return func(status int, header http.Header, body []byte) error {
		var list errorList
		quoted := body
		if json.Unmarshal(body, &list) == nil && len(list.Errors) > 0 {
			quoted = []byte(describe(list))
		}
		err := provider.FromStatus(status, header, now(), quoted)
		if err == nil {
			return nil
		}
		e, _ := errors.AsType[*provider.Error](err)
		if status == http.StatusTooManyRequests && e.RetryAfter == 0 {
			e.RetryAfter = untilReset(header, now())
		}
		switch status {
		case http.StatusConflict:
			r := &refusal{error: e, archived: strings.Contains(string(quoted), "archived")}
			if match := existingID.FindSubmatch(quoted); match != nil {
				r.existing = string(match[1])
			}
			return r
		case http.StatusGone:
			r := &refusal{error: e}
			if match := canonicalID.FindStringSubmatch(header.Get("Link")); match != nil {
				r.existing = match[1]
			}
			return r
		}
		return e
	}
}

func describe(list errorList) string {
	first := list.Errors[0]
	text := first.Code
	if first.Message != "" {
		text += ": " + first.Message
	}
	if list.RequestID != "" {
		text += " (request " + list.RequestID + ")"
	}
	return text
}

// untilReset is how long the present window for calls lasts.
func untilReset(header http.Header, now time.Time) time.Duration {
	seconds, err := strconv.ParseInt(strings.TrimSpace(header.Get("X-Ratelimit-Reset")), 10, 64)
	if err != nil {
		return 0
	}
	return min(max(time.Unix(seconds, 0).Sub(now), 0), provider.MaxRetryAfter)
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

func (c *client) me(ctx context.Context) (me, error) {
	var m me // stays empty when the answer is null
	err := c.get(ctx, "/me", &m)
	return m, err
}

// conversation reads a conversation with its parts, the oldest first, as plain text.
func (c *client) conversation(ctx context.Context, conversationID string) (conversation, error) {
	var got conversation
	err := c.get(ctx, "/conversations/"+url.PathEscape(conversationID)+"?display_as=plaintext", &got)
	return got, err
}

// say writes a customer's message and returns the conversation as it is then.
func (c *client) say(ctx context.Context, conversationID, contactID, text string) (conversation, error) {
	var got conversation
	err := c.post(ctx, "/conversations/"+url.PathEscape(conversationID)+"/reply", map[string]any{
		"message_type": typeComment, "type": byUser, "intercom_user_id": contactID, "body": text,
	}, &got)
	return got, err
}

// note writes what only teammates see, as HTML.
func (c *client) note(ctx context.Context, conversationID, adminID, html string) error {
	return c.post(ctx, "/conversations/"+url.PathEscape(conversationID)+"/reply", map[string]any{
		"message_type": typeNote, "type": byAdmin, "admin_id": adminID, "body": html,
	}, nil)
}

func (c *client) close(ctx context.Context, conversationID, adminID string) error {
	return c.post(ctx, "/conversations/"+url.PathEscape(conversationID)+"/parts", map[string]any{
		"message_type": typeClose, "type": byAdmin, "admin_id": adminID,
	}, nil)
}

func (c *client) assign(ctx context.Context, conversationID, adminID, teamID string) error {
	return c.post(ctx, "/conversations/"+url.PathEscape(conversationID)+"/parts", map[string]any{
		"message_type": typeAssignment, "type": toTeam, "admin_id": adminID, "assignee_id": teamID,
	}, nil)
}

// filter is a search for equality.
func filter(field string, value any) map[string]any {
	return map[string]any{"field": field, "operator": "=", "value": value}
}

// converse begins a conversation of a contact and returns its id.
func (c *client) converse(ctx context.Context, from contact, first string) (string, error) {
	role := from.Role
	if role != byUser && role != byLead {
		role = byUser
	}
	var made newMessage
	err := c.post(ctx, "/conversations", map[string]any{
		"from": map[string]any{"type": role, "id": string(from.ID)}, "body": first,
	}, &made)
	if err == nil && made.ConversationID == "" {
		err = provider.Errorf(provider.ClassTransient, "the answer holds no conversation")
	}
	return string(made.ConversationID), err
}
