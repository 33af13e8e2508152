package slacktest

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

func (e *Emulator) authTest(call) (object, string) {
	return object{"url": "https://desk.slack.com/", "team": "Desk", "user": "handoff", "team_id": team, "user_id": botUser, "bot_id": botID}, ""
}

func (e *Emulator) info(c call) (object, string) {
	if c.args.Get("channel") != Channel {
		return nil, "channel_not_found"
	}
	return object{"channel": object{"id": Channel, "name": "handoff", "is_channel": !e.Private, "is_private": e.Private, "is_member": true, "is_archived": false}}, ""
}

func (e *Emulator) userInfo(c call) (object, string) {
	m := memberOf(c.args.Get("user"))
	if m.name == "" {
		return nil, "user_not_found"
	}
	return object{"user": object{
		"id": m.id, "team_id": team, "name": m.name, "real_name": m.realName, "is_bot": false,
		"profile": object{"real_name": m.realName, "display_name": m.display},
	}}, ""
}

// arguments are those of chat.postMessage and chat.update that the emulator knows.
type arguments struct {
	Channel   string          `json:"channel"`
	TS        string          `json:"ts"`
	ThreadTS  string          `json:"thread_ts"`
	Text      string          `json:"text"`
	Blocks    json.RawMessage `json:"blocks"`
	Username  string          `json:"username"`
	IconEmoji string          `json:"icon_emoji"`
	Mrkdwn    *bool           `json:"mrkdwn"`
	Links     *bool           `json:"unfurl_links"`
	Media     *bool           `json:"unfurl_media"`
	Metadata  json.RawMessage `json:"metadata"`
}

// message reads the arguments of a message.
func (c call) message(allowed ...string) (a arguments, blocks []block, word string) {
	for name := range c.body {
		if !slices.Contains(allowed, name) {
			return a, nil, "invalid_arg_name"
		}
	}
	data, err := json.Marshal(c.body)
	if err != nil || json.Unmarshal(data, &a) != nil {
		return a, nil, "invalid_arguments"
	}
	blocks, word = readBlocks(a.Blocks)
	switch {
	case a.Channel != Channel:
		word = "channel_not_found"
	case word != "":
	case a.Text == "" && len(blocks) == 0:
		word = "no_text"
	case utf8.RuneCountInString(a.Text) > mostText:
		word = "msg_too_long"
	default:
		word = checkMetadata(a.Metadata)
	}
	return a, blocks, word
}

func (e *Emulator) postMessage(c call) (object, string) {
	a, blocks, word := c.message("channel", "thread_ts", "text", "blocks", "username", "icon_emoji", "mrkdwn", "unfurl_links", "unfurl_media", "metadata")
	if word != "" {
		return nil, word
	}
	if a.ThreadTS != "" {
		if parent := e.find(a.ThreadTS); parent == nil || parent.thread != "" {
			return nil, "thread_not_found"
		}
	}
	p := &post{
		ts: e.stamp(), thread: a.ThreadTS, user: botUser, bot: botID, username: a.Username, text: a.Text, literal: a.Mrkdwn != nil && !*a.Mrkdwn,
		blocks: blocks, rawBlocks: a.Blocks, metadata: a.Metadata,
	}
	e.posts = append(e.posts, p)
	return object{"channel": Channel, "ts": p.ts, "message": e.shown(p, false)}, ""
}

func (e *Emulator) update(c call) (object, string) {
	a, blocks, word := c.message("channel", "ts", "text", "blocks", "metadata")
	if word != "" {
		return nil, word
	}
	p := e.find(a.TS)
	switch {
	case p == nil:
		return nil, "message_not_found"
	case p.user != botUser:
		return nil, "cant_update_message"
	}
	p.text, p.blocks, p.rawBlocks = a.Text, blocks, a.Blocks
	return object{"channel": Channel, "ts": p.ts, "text": p.text}, ""
}

// shown is a message as Slack gives it out.
func (e *Emulator) shown(p *post, metadata bool) object {
	m := object{"type": "message", "user": p.user, "text": p.text, "ts": p.ts, "blocks": []any{}}
	if len(p.rawBlocks) > 0 {
		m["blocks"] = p.rawBlocks
	}
	if len(p.files) > 0 {
		var files []object
		for _, f := range p.files {
			files = append(files, f.shown())
		}
		m["files"], m["upload"] = files, false
		if p.bot == "" {
			m["subtype"] = "file_share"
		}
	}
	if p.bot != "" {
		m["bot_id"], m["app_id"], m["bot_profile"] = p.bot, app, object{"id": p.bot, "app_id": app, "name": "Handoff", "deleted": false}
	}
	if p.username != "" {
		m["username"], m["subtype"] = p.username, "bot_message"
	}
	if p.thread != "" {
		m["thread_ts"] = p.thread
		if parent := e.find(p.thread); parent != nil {
			m["parent_user_id"] = parent.user
		}
	} else if n := len(e.replies(p.ts)); n > 0 {
		m["thread_ts"], m["reply_count"] = p.ts, n
	}
	if metadata && len(p.metadata) > 0 {
		m["metadata"] = p.metadata
	}
	return m
}

// history lists what stands in the channel itself, the newest first.
func (e *Emulator) history(c call) (object, string) {
	if c.args.Get("channel") != Channel {
		return nil, "channel_not_found"
	}
	var all []*post
	for _, p := range slices.Backward(e.posts) {
		if p.thread == "" && p.ts > c.args.Get("oldest") {
			all = append(all, p)
		}
	}
	return e.page(c, all)
}

// threadReplies lists a thread, the oldest first, always with the message that began it.
func (e *Emulator) threadReplies(c call) (object, string) {
	parent := e.find(c.args.Get("ts"))
	switch {
	case c.args.Get("channel") != Channel:
		return nil, "channel_not_found"
	case parent == nil:
		return nil, "thread_not_found"
	}
	all := []*post{parent}
	for _, p := range e.replies(parent.ts) {
		if p.ts > c.args.Get("oldest") {
			all = append(all, p)
		}
	}
	return e.page(c, all)
}

// page returns what a call asks for of a list. Its cursors are places in it.
func (e *Emulator) page(c call, all []*post) (object, string) {
	limit := 100
	if text := c.args.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 999 {
			return nil, "invalid_limit"
		}
		limit = n
	}
	from := 0
	if cursor := c.args.Get("cursor"); cursor != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(cursor, "at:"))
		if err != nil || n > len(all) {
			return nil, "invalid_cursor"
		}
		from = n
	}
	all = all[from:]
	next := ""
	if len(all) > limit {
		all, next = all[:limit], "at:"+strconv.Itoa(from+limit)
	}
	messages := make([]object, 0, len(all))
	for _, p := range all {
		messages = append(messages, e.shown(p, c.args.Get("include_all_metadata") == "true"))
	}
	return object{"messages": messages, "has_more": next != "", "response_metadata": object{"next_cursor": next}}, ""
}
