package chatwoot

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

const (
	headerToken    = "api_access_token" // with underscores, which some proxies drop
	statusOpen     = "open"
	statusResolved = "resolved"
	// attributeSession is the custom attribute of a conversation that names its session.
	attributeSession = "handoff_session"
	attributeAgent   = "handoff_agent"
)

// client makes the calls.
type client struct {
	rest    restapi.Client
	public  restapi.Client // what customers may do, without the token
	account string         // path of the account
	inbox   int64
}

// refusal is an answer that says no, with what it was said to.
type refusal struct {
	error

	attributes []string
}

// Unwrap returns the judged error.
func (r *refusal) Unwrap() error { return r.error }

// flooded is in the text of a refusal of a message to a conversation that has had
// too many in the last minute.
const flooded = "too many messages"

// judge turns an answer into an error.
func judge(now handoff.Clock) func(int, http.Header, []byte) error {
	return func(status int, header http.Header, body []byte) error {
		var said refusalBody
		_ = json.Unmarshal(body, &said) // else it is quoted as it is
		text := describe(said)
		quoted := body
		if text != "" {
			quoted = []byte(text)
		}
		err := provider.FromStatus(status, header, now(), quoted)
		if err == nil || status != http.StatusUnprocessableEntity {
			return err
		}
		e, _ := errors.AsType[*provider.Error](err)
		if strings.Contains(strings.ToLower(text), flooded) {
			e.Class = provider.ClassRateLimited
		}
		return &refusal{error: e, attributes: said.Attributes}
	}
}

func describe(said refusalBody) string {
	texts := slices.DeleteFunc(append([]string{said.Message, said.Error}, said.Errors...), func(s string) bool { return s == "" })
	return strings.Join(texts, "; ")
}

// refusedFor reports whether a new contact was refused for one of its attributes.
func refusedFor(err error, attribute string) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && slices.Contains(r.attributes, attribute)
}

func statusOf(err error) int {
	if e, ok := errors.AsType[*provider.Error](err); ok {
		return e.Status
	}
	return 0
}

func isGone(err error) bool { return statusOf(err) == http.StatusNotFound }

func (c *client) get(ctx context.Context, path string, into any) error {
	return c.rest.Do(ctx, restapi.Call{Method: http.MethodGet, Path: path, Into: into})
}

func (c *client) post(ctx context.Context, path string, body, into any) error {
	return c.rest.Do(ctx, restapi.Call{Method: http.MethodPost, Path: c.account + path, Body: body, Into: into})
}

func (c *client) profile(ctx context.Context) (profile, error) {
	var p profile
	err := c.get(ctx, "/profile", &p)
	return p, err
}

func (c *client) getInbox(ctx context.Context) (inbox, error) {
	var i inbox
	err := c.get(ctx, c.account+"/inboxes/"+strconv.FormatInt(c.inbox, 10), &i)
	return i, err
}

// assignable returns the agents that conversations of the inbox can be assigned to.
func (c *client) assignable(ctx context.Context) (agentList, error) {
	var list agentList
	err := c.get(ctx, c.account+"/assignable_agents?inbox_ids[]="+strconv.FormatInt(c.inbox, 10), &list)
	return list, err
}

func conversationPath(conversationID string) string {
	return "/conversations/" + url.PathEscape(conversationID)
}

func (c *client) conversation(ctx context.Context, conversationID string) (conversation, error) {
	var got conversation
	err := c.get(ctx, c.account+conversationPath(conversationID), &got)
	return got, err
}

// conversationsOf returns the newest conversations of a contact.
func (c *client) conversationsOf(ctx context.Context, contactID string) ([]conversation, error) {
	var list conversationList
	err := c.get(ctx, c.account+"/contacts/"+url.PathEscape(contactID)+"/conversations", &list)
	return list.Conversations, err
}

// page is how many messages Chatwoot shows at once, the newest of those that are
// older than a given one. maxPages bounds how far we go back.
const (
	page     = 20
	maxPages = 25
)

// messages returns the messages of a conversation since a time, the oldest first.
func (c *client) messages(ctx context.Context, conversationID string, since time.Time) ([]message, error) {
	var all []message
	path := c.account + conversationPath(conversationID) + "/messages"
	query := ""
	for range maxPages {
		var list messageList
		if err := c.get(ctx, path+query, &list); err != nil {
			return nil, err
		}
		got := list.Messages
		if len(got) == 0 {
			break
		}
		all = append(slices.Clip(got), all...)
		if len(got) < page || got[0].CreatedAt.Before(since) {
			break
		}
		query = "?before=" + url.QueryEscape(string(got[0].ID))
	}
	return slices.DeleteFunc(all, func(m message) bool { return m.CreatedAt.Unix() < since.Unix() }), nil
}

// converse begins a conversation of a contact and returns its id.
func (c *client) converse(ctx context.Context, body map[string]any) (string, error) {
	var made conversation
	if err := c.post(ctx, "/conversations", body, &made); err != nil {
		return "", err
	}
	if made.ID == "" {
		return "", provider.Errorf(provider.ClassTransient, "the answer names no conversation")
	}
	return string(made.ID), nil
}

// say writes a customer's message and returns its id.
func (c *client) say(ctx context.Context, conversationID, key, text string) (string, error) {
	return c.write(ctx, conversationID, map[string]any{
		"content": text, "message_type": incoming, "private": false, "source_id": key,
	})
}

// note writes what only agents see, as Markdown.
func (c *client) note(ctx context.Context, conversationID, key, text string) error {
	_, err := c.write(ctx, conversationID, map[string]any{
		"content": text, "message_type": outgoing, "private": true, "source_id": key,
	})
	return err
}

func (c *client) write(ctx context.Context, conversationID string, body map[string]any) (string, error) {
	var made message
	err := c.post(ctx, conversationPath(conversationID)+"/messages", body, &made)
	return string(made.ID), err
}

// sayFiles writes a customer's message with files and returns its id.
func (c *client) sayFiles(ctx context.Context, conversationID, key, text string, files []restapi.Part) (string, error) {
	form, err := restapi.Multipart([]restapi.Field{
		{Name: "content", Value: text}, {Name: "message_type", Value: string(incoming)}, {Name: "private", Value: "false"}, {Name: "source_id", Value: key},
	}, files)
	if err != nil {
		return "", provider.Errorf(provider.ClassRejected, "%w", err)
	}
	defer form.Close()
	var made message
	err = c.rest.Do(ctx, restapi.Call{
		Method: http.MethodPost, Path: c.account + conversationPath(conversationID) + "/messages", File: &form.File, Into: &made,
	})
	return string(made.ID), err
}

func (c *client) resolve(ctx context.Context, conversationID string) error {
	return c.post(ctx, conversationPath(conversationID)+"/toggle_status", map[string]any{"status": statusResolved}, nil)
}
