package slacktest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/human-handoff/handoff/internal/provider"
)

type object = map[string]any

// says has a member write in a thread, and returns the event.
func (e *Emulator) says(who member, card *post, text string, note bool) provider.Request {
	p := &post{ts: e.stamp(), thread: card.ts, user: who.id, text: typed(text), note: note}
	e.posts = append(e.posts, p)
	return e.event(e.messageEvent(p))
}

// messageEvent is a message as an event tells it. What bots write has often no
// subtype.
func (e *Emulator) messageEvent(p *post) object {
	kind := "channel"
	if e.Private {
		kind = "group"
	}
	m := e.shown(p, true)
	m["channel"], m["channel_type"], m["event_ts"], m["team"] = Channel, kind, p.ts, team
	if p.bot == "" {
		m["client_msg_id"] = fmt.Sprintf("8b3c%x", sha256.Sum256([]byte(p.ts)))[:36]
	}
	return m
}

// event is an event in its envelope, signed.
func (e *Emulator) event(body object) provider.Request {
	e.events++
	return e.signed(object{
		"token": "XXYYZZ", "team_id": team, "api_app_id": app, "type": "event_callback",
		"event_id": fmt.Sprintf("Ev%09d", e.events), "event_time": e.now().Unix(), "event_context": "4-xyz", "is_ext_shared_channel": false,
		"authorizations": []any{object{"enterprise_id": nil, "team_id": team, "user_id": botUser, "is_bot": true, "is_enterprise_install": false}},
		"event":          body,
	})
}

// presses has a member press a button, and returns the form.
func (e *Emulator) presses(who member, card *post, action string) provider.Request {
	value := ""
	for _, b := range card.blocks {
		for _, element := range b.Elements {
			if element.ActionID == action {
				value = element.Value
			}
		}
	}
	data, err := json.Marshal(object{
		"type": "block_actions", "api_app_id": app, "token": "XXYYZZ", "trigger_id": "13345224609.738474920.8088930838d88f008e0",
		"team": object{"id": team, "domain": "desk"}, "user": object{"id": who.id, "username": who.name, "name": who.name, "team_id": team},
		"container":    object{"type": "message", "message_ts": card.ts, "channel_id": Channel, "is_ephemeral": false},
		"channel":      object{"id": Channel, "name": "handoff"},
		"message":      e.shown(card, false),
		"response_url": "https://hooks.slack.com/actions/" + team + "/1/secret",
		"actions":      []any{object{"type": "button", "action_id": action, "block_id": "handoff", "value": value, "action_ts": e.stamp()}},
	})
	if err != nil {
		panic(err)
	}
	return e.sign("application/x-www-form-urlencoded", []byte(url.Values{"payload": {string(data)}}.Encode()))
}

func (e *Emulator) signed(body object) provider.Request {
	data, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return e.sign("application/json", data)
}

func (e *Emulator) sign(contentType string, body []byte) provider.Request {
	now := e.now()
	timestamp := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(e.secret))
	mac.Write([]byte("v0:" + timestamp + ":"))
	mac.Write(body)
	header := http.Header{}
	header.Set("Content-Type", contentType)
	header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	header.Set("X-Slack-Request-Timestamp", timestamp)
	header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	return provider.Request{Method: http.MethodPost, Header: header, Body: body, Time: now}
}
