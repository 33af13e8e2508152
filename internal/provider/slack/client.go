package slack

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

	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// The methods of the Web API that are called.
const (
	methodAuthTest    = "auth.test"
	methodChannel     = "conversations.info"
	methodHistory     = "conversations.history"
	methodReplies     = "conversations.replies"
	methodPost        = "chat.postMessage"
	methodUpdate      = "chat.update"
	methodUser        = "users.info"
	methodOpenSocket  = "apps.connections.open"
	headerScopes      = "X-Oauth-Scopes"
	contentType       = "application/json; charset=utf-8"
	eventType         = "handoff_message" // of our messages' metadata
	maxPages          = 5                 // of what was said
	pageSize          = 200
	lookBack          = 5 * time.Minute // how far two clocks may differ
	jsonContentHeader = "Content-Type"
)

// client makes the calls.
type client struct {
	rest restapi.Client
	base string
}

// do makes a call: with a body as JSON, else with a query.
func (c *client) do(ctx context.Context, method string, query url.Values, body, into any) error {
	rest := c.rest
	rest.Judge = judge(method, rest.Now)
	call := restapi.Call{Method: http.MethodGet, Path: "/api/" + method, Body: body, Into: into}
	if body != nil {
		call.Method, call.Header = http.MethodPost, http.Header{jsonContentHeader: {contentType}}
	}
	if len(query) > 0 {
		call.Path += "?" + query.Encode()
	}
	return rest.Do(ctx, call)
}

// scopes asks whether the token is good, and returns what it may do; nil if that
// was not told.
func (c *client) scopes(ctx context.Context) ([]string, error) {
	var header http.Header
	rest := c.rest
	rest.Judge = func(status int, h http.Header, body []byte) error {
		header = h
		return judge(methodAuthTest, rest.Now)(status, h, body)
	}
	var into struct{}
	err := rest.Do(ctx, restapi.Call{
		Method: http.MethodPost, Path: "/api/" + methodAuthTest, Body: struct{}{}, Into: &into,
		Header: http.Header{jsonContentHeader: {contentType}},
	})
	if err != nil || header.Get(headerScopes) == "" {
		return nil, err
	}
	var scopes []string
	for scope := range strings.SplitSeq(header.Get(headerScopes), ",") {
		scopes = append(scopes, strings.TrimSpace(scope))
	}
	return scopes, nil
}

// channel is what is known of a channel.
type channel struct {
	IsMember   *bool `json:"is_member"`
	IsArchived bool  `json:"is_archived"`
}

func (c *client) channel(ctx context.Context, id string) (channel, error) {
	var into struct {
		Channel channel `json:"channel"`
	}
	err := c.do(ctx, methodChannel, url.Values{"channel": {id}}, nil, &into)
	return into.Channel, err
}

// outgoing is a message of ours.
type outgoing struct {
	Channel     string    `json:"channel"`
	ThreadTS    string    `json:"thread_ts,omitempty"`
	TS          string    `json:"ts,omitempty"` // of the message that this one replaces
	Text        string    `json:"text"`
	Blocks      []any     `json:"blocks,omitempty"`
	Username    string    `json:"username,omitempty"`
	IconEmoji   string    `json:"icon_emoji,omitempty"`
	Mrkdwn      *bool     `json:"mrkdwn,omitempty"`
	UnfurlLinks *bool     `json:"unfurl_links,omitempty"`
	UnfurlMedia *bool     `json:"unfurl_media,omitempty"`
	Metadata    *metadata `json:"metadata,omitempty"`
}

// metadata is what we find our messages again by. Whatever app is in the channel
// can read it: it holds ids alone.
type metadata struct {
	EventType string  `json:"event_type"`
	Payload   payload `json:"event_payload"`
}

type payload struct {
	Session string `json:"session"`
	Message string `json:"message"`
	Files   string `json:"files,omitempty"` // ids of the files that follow, by commas; empty for one that does not
}

// post sends a message and returns its timestamp, which is its id.
func (c *client) post(ctx context.Context, m outgoing) (string, error) {
	m.UnfurlLinks, m.UnfurlMedia = new(false), new(false)
	var into struct {
		TS string `json:"ts"`
	}
	err := c.do(ctx, methodPost, nil, m, &into)
	if err == nil && into.TS == "" {
		err = provider.Errorf(provider.ClassTransient, "Slack's answer to %s has no ts", methodPost)
	}
	return into.TS, err
}

// update replaces a message of ours.
func (c *client) update(ctx context.Context, m outgoing) error {
	var into struct{}
	return c.do(ctx, methodUpdate, nil, m, &into)
}

// card returns the first message of a thread as it is now.
func (c *client) card(ctx context.Context, channel, thread string) (message, error) {
	var into page
	err := c.do(ctx, methodReplies, url.Values{"channel": {channel}, "ts": {thread}, "limit": {"1"}}, nil, &into)
	if err != nil {
		return message{}, err
	}
	i := slices.IndexFunc(into.Messages, func(m message) bool { return m.TS == thread })
	if i < 0 {
		return message{}, provider.Errorf(provider.ClassTransient, "Slack's answer to %s lacks the thread's first message", methodReplies)
	}
	return into.Messages[i], nil
}

// page is a part of what was said.
type page struct {
	Messages []message `json:"messages"`
	HasMore  bool      `json:"has_more"`
	Metadata struct {
		NextCursor string `json:"next_cursor"`
	} `json:"response_metadata"`
}

// said returns the messages since a time, in no certain order: those of a thread,
// or those that begin one.
func (c *client) said(ctx context.Context, channel, thread string, since time.Time) ([]message, error) {
	query := url.Values{
		"channel": {channel}, "oldest": {timestamp(since)}, "limit": {strconv.Itoa(pageSize)}, "include_all_metadata": {"true"},
	}
	method := methodHistory
	if thread != "" {
		method = methodReplies
		query.Set("ts", thread)
	}
	var all []message
	for range maxPages {
		var into page
		if err := c.do(ctx, method, query, nil, &into); err != nil {
			return nil, err
		}
		all = append(all, into.Messages...)
		if into.Metadata.NextCursor == "" {
			break
		}
		query.Set("cursor", into.Metadata.NextCursor)
	}
	return all, nil
}

// sent returns the timestamps of those of our messages since a time that carry a
// session's ids, by those ids.
func (c *client) sent(ctx context.Context, channel, thread, session string, since time.Time) (map[string]string, error) {
	there, err := c.found(ctx, channel, thread, session, since)
	stamps := map[string]string{}
	for id, m := range there.messages {
		stamps[id] = m.TS
	}
	return stamps, err
}

// found is what is there of a session.
type found struct {
	messages map[string]message // ours, by the ids that they carry
	files    map[string]bool    // anybody's, by their ids
}

// found looks for what is there of a session since a time.
func (c *client) found(ctx context.Context, channel, thread, session string, since time.Time) (found, error) {
	all, err := c.said(ctx, channel, thread, since.Add(-lookBack))
	there := found{map[string]message{}, map[string]bool{}}
	for _, m := range all {
		if m.Metadata.EventType == eventType && m.Metadata.Payload.Session == session {
			there.messages[m.Metadata.Payload.Message] = m
		}
		for _, f := range m.Files {
			there.files[f.ID] = true
		}
	}
	return there, err
}

// name returns the name by which somebody goes.
func (c *client) name(ctx context.Context, id string) (string, error) {
	var into struct {
		User struct {
			Name    string  `json:"name"`
			Profile profile `json:"profile"`
		} `json:"user"`
	}
	err := c.do(ctx, methodUser, url.Values{"user": {id}}, nil, &into)
	into.User.Profile.Name = into.User.Name
	return into.User.Profile.name(), err
}

// timestamp returns a time as Slack writes it.
func timestamp(t time.Time) string {
	return strconv.FormatInt(t.Unix(), 10) + "." + strconv.FormatInt(int64(t.Nanosecond())/1000+1_000_000, 10)[1:]
}

// codeOf returns what Slack called an error; empty for what is no refusal of Slack's.
func codeOf(err error) string {
	if e, ok := errors.AsType[*refused](err); ok {
		return e.code
	}
	return ""
}

// rawBlocks returns the blocks of a message that Slack has.
func rawBlocks(m message) []json.RawMessage {
	var blocks []json.RawMessage
	_ = json.Unmarshal(m.Blocks, &blocks) // none if they are no list
	return blocks
}
