package dingtalk

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/messenger"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// event is what a webhook tells, as far as we look at it: a message to the robot or,
// with an outTrackId, a button of a card. Every field may be absent.
type event struct {
	ConversationID   string `json:"conversationId"`
	ConversationType string `json:"conversationType"`
	MsgID            string `json:"msgId"`
	MsgType          string `json:"msgtype"`
	SenderID         string `json:"senderId"`
	SenderStaffID    string `json:"senderStaffId"`
	SenderNick       string `json:"senderNick"`
	ChatbotUserID    string `json:"chatbotUserId"`
	RobotCode        string `json:"robotCode"`

	Text struct {
		Content  string `json:"content"`
		IsReply  bool   `json:"isReplyMsg"`
		Replied  quote  `json:"repliedMsg"`
		Quoted   quote  `json:"quoteMessage"`
		QuotedID string `json:"originalMsgId"`
	} `json:"text"`
	Quoted                  quote           `json:"quoteMessage"`
	OriginalMsgID           string          `json:"originalMsgId"`
	OriginalProcessQueryKey string          `json:"originalProcessQueryKey"`
	Content                 json.RawMessage `json:"content"` // of another msgtype, or of a card

	OutTrackID string `json:"outTrackId"`
	UserID     string `json:"userId"`
}

// quote is a message that was quoted.
type quote struct {
	MsgID   string          `json:"msgId"`
	Content json.RawMessage `json:"content"`
}

// text is what the quoted message says, if that is told.
func (q *quote) text() string {
	var content struct {
		Text string `json:"text"`
	}
	var plain string
	if json.Unmarshal(q.Content, &plain) == nil && json.Unmarshal([]byte(plain), &content) != nil {
		return plain
	}
	_ = json.Unmarshal(q.Content, &content) // else it has no text
	return content.Text
}

func invalid(format string, args ...any) error {
	return handoff.Errorf(handoff.CodeInvalid, "INVALID_BODY", format, args...)
}

func parseEvent(body []byte) (*event, error) {
	var e event
	if trimmed := strings.TrimLeft(string(body[:min(len(body), 16)]), " \t\r\n"); !strings.HasPrefix(trimmed, "{") || json.Unmarshal(body, &e) != nil {
		return nil, invalid("the body has to be the JSON object of a message")
	}
	if e.OutTrackID == "" && (e.MsgID == "" || e.ConversationID == "") {
		return nil, invalid("the message has no msgId or no conversationId")
	}
	return &e, nil
}

// Parse implements provider.Adapter. The answer says nothing, for what it said would
// be posted into the chat.
func (a *Adapter) Parse(r provider.Request) (provider.Reply, []handoff.Inbound, error) {
	e, err := parseEvent(r.Body)
	if err != nil {
		return provider.Reply{}, nil, err
	}
	reply := provider.Reply{Status: http.StatusOK, ContentType: "application/json", Body: []byte("{}"), Always: true}
	if e.OutTrackID != "" {
		return reply, a.pressed(e, r), nil
	}
	if !a.ours(e) || e.ConversationID != a.group {
		return reply, nil, nil
	}
	return reply, []handoff.Inbound{{Key: "message:" + e.MsgID, VendorID: e.MsgID, Body: said(e)}}, nil
}

// ours reports whether a human said it in a group to our robot. To talk with the robot
// alone everybody in the organisation can; who answers customers is in the group.
func (a *Adapter) ours(e *event) bool {
	return e.ConversationType == "2" && cmp.Or(e.RobotCode, a.robot) == a.robot &&
		(e.SenderID != e.ChatbotUserID || e.SenderID == "") && cmp.Or(e.SenderStaffID, e.SenderID) != ""
}

// Learns implements provider.Learner: the group is that in which the robot is
// mentioned first.
func (a *Adapter) Learns(r provider.Request) map[string]string {
	e, err := parseEvent(r.Body)
	if a.group != "" || err != nil || e.OutTrackID != "" || !a.ours(e) {
		return nil
	}
	return map[string]string{"open_conversation_id": e.ConversationID}
}

// said returns what a human said.
func said(e *event) handoff.PersonSaid {
	s := handoff.PersonSaid{
		Person: cmp.Or(e.SenderStaffID, e.SenderID), // outside people have no staff id
		Name:   e.SenderNick,
		// A mention is left out of the text, but for the space after it.
		Text: strings.TrimPrefix(e.Text.Content, " "),
	}
	if e.MsgType == "richText" {
		s.Text, s.Unreadable = richText(e.Content)
	} else if e.MsgType != "text" {
		s.Text, s.Unreadable = "", true
	}
	s.Locale = localeOf(s.Text)
	for _, id := range []string{e.OriginalProcessQueryKey, e.OriginalMsgID, e.Text.QuotedID, e.Text.Replied.MsgID, e.Text.Quoted.MsgID, e.Quoted.MsgID} {
		if id != "" {
			s.QuotedIDs = append(s.QuotedIDs, id)
		}
	}
	for _, q := range []*quote{&e.Text.Replied, &e.Text.Quoted, &e.Quoted} {
		s.QuotedText = cmp.Or(s.QuotedText, q.text())
	}
	s.Quotes = e.Text.IsReply || len(s.QuotedIDs) > 0
	return s
}

// richText returns the words of a text with pictures; with one it cannot be relayed
// as a whole.
func richText(content json.RawMessage) (text string, unreadable bool) {
	var body struct {
		RichText []struct {
			Text string `json:"text"`
			Type string `json:"type"`
		} `json:"richText"`
	}
	if json.Unmarshal(content, &body) != nil || len(body.RichText) == 0 {
		return "", true
	}
	var b strings.Builder
	for _, part := range body.RichText {
		if part.Type != "" && part.Type != "text" {
			return "", true
		}
		b.WriteString(part.Text)
	}
	return strings.TrimPrefix(b.String(), " "), false
}

// pressed is a button of a card.
func (a *Adapter) pressed(e *event, r provider.Request) []handoff.Inbound {
	tag, action := tagOf(e.OutTrackID), actionOf(e.Content)
	command, known := orders[action]
	if tag == "" || !known || e.UserID == "" {
		return nil
	}
	at := r.Header.Get(headerFrame)
	return []handoff.Inbound{{Key: "card:" + e.OutTrackID + ":" + e.UserID + ":" + action + ":" + at, Body: handoff.PersonSaid{
		Person: e.UserID, Name: r.Names[e.UserID], Locale: chinese, Button: messenger.Button(command, tag),
	}}}
}

// actionOf returns which button of a card was pressed.
func actionOf(content json.RawMessage) string {
	var text string
	if json.Unmarshal(content, &text) != nil {
		text = string(content)
	}
	var body struct {
		Private struct {
			ActionIDs []string `json:"actionIds"`
		} `json:"cardPrivateData"`
	}
	if json.Unmarshal([]byte(text), &body) != nil || len(body.Private.ActionIDs) == 0 {
		return ""
	}
	return body.Private.ActionIDs[0]
}

// People implements provider.Introducer: a card calls who pressed it by an id alone.
func (a *Adapter) People(r provider.Request) []string {
	if e, err := parseEvent(r.Body); err == nil && e.OutTrackID != "" && e.UserID != "" {
		return []string{e.UserID}
	}
	return nil
}

// Name implements provider.Introducer. It needs a permission of its own.
func (a *Adapter) Name(ctx context.Context, id string) (string, error) {
	token, err := a.token(ctx)
	if err != nil {
		return "", err
	}
	var got struct {
		Code    int    `json:"errcode"`
		Message string `json:"errmsg"`
		Result  struct {
			Name string `json:"name"`
		} `json:"result"`
	}
	err = a.old.Do(ctx, restapi.Call{
		Method: http.MethodPost, Path: "/topapi/v2/user/get?" + url.Values{"access_token": {token}}.Encode(),
		Body: map[string]string{"userid": id}, Into: &got,
	})
	if err != nil {
		return "", err
	}
	if got.Code != 0 {
		return "", provider.Errorf(provider.ClassRejected, "the name was not told: %d", got.Code)
	}
	return got.Result.Name, nil
}
