package slack

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

const (
	formType     = "application/x-www-form-urlencoded"
	payloadField = "payload" // of the form in which buttons come

	typeChallenge = "url_verification"
	typeEvent     = "event_callback"
	typeButtons   = "block_actions"
	typeMessage   = "message" // of an event

	subtypeFile      = "file_share"
	subtypeBroadcast = "thread_broadcast"
	subtypeMe        = "me_message"
)

// envelope is what is around an event.
type envelope struct {
	Type           string          `json:"type"`
	Challenge      string          `json:"challenge"`
	Event          json.RawMessage `json:"event"`
	Authorizations []struct {
		UserID string `json:"user_id"`
		IsBot  bool   `json:"is_bot"`
	} `json:"authorizations"`
}

// message is something that was said in a channel, as events and the API tell it.
type message struct {
	Type         string          `json:"type"`
	Subtype      string          `json:"subtype"`
	Channel      string          `json:"channel"`
	User         string          `json:"user"`
	UserProfile  *profile        `json:"user_profile"` // of people of other workspaces
	BotID        string          `json:"bot_id"`
	BotProfile   json.RawMessage `json:"bot_profile"`
	Text         string          `json:"text"`
	TS           string          `json:"ts"`
	ThreadTS     string          `json:"thread_ts"`
	ParentUserID string          `json:"parent_user_id"` // who began the thread
	Blocks       json.RawMessage `json:"blocks"`
	Metadata     metadata        `json:"metadata"`
	Files        []file          `json:"files"`
}

// profile is how somebody calls themselves.
type profile struct {
	Name        string `json:"name"`
	DisplayName string `json:"display_name"`
	RealName    string `json:"real_name"`
}

func (p *profile) name() string {
	if p == nil {
		return ""
	}
	return cmp.Or(p.DisplayName, p.RealName, p.Name)
}

// pressed is a button that somebody pressed.
type pressed struct {
	Type string `json:"type"`
	User struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Username string `json:"username"`
	} `json:"user"`
	Container struct {
		MessageTS string `json:"message_ts"`
		ChannelID string `json:"channel_id"`
	} `json:"container"`
	Actions []struct {
		ActionID string `json:"action_id"`
		BlockID  string `json:"block_id"`
		ActionTS string `json:"action_ts"`
	} `json:"actions"`
}

// Parse implements provider.Adapter. Slack tells of all that is said in the
// channel, and stops after too many refusals, so the answer is always 200.
func (a *Adapter) Parse(r provider.Request) (provider.Reply, []handoff.Inbound, error) {
	reply := provider.Reply{Status: http.StatusOK, Always: true}
	if isForm(r.Header) {
		p, err := pressedOf(r)
		if err != nil {
			return provider.Reply{}, nil, err
		}
		return reply, buttonsTold(p, r.Names), nil
	}
	e, m, err := eventOf(r)
	switch {
	case err != nil:
		return provider.Reply{}, nil, err
	case e.Type == typeChallenge:
		return challenged(e.Challenge), nil, nil
	case !isReply(m) || slices.ContainsFunc(e.bots(), func(id string) bool { return id == m.User }):
		return reply, nil, nil
	}
	return reply, a.replyTold(m, r.Names), nil
}

// People implements provider.Introducer: those who said or pressed something, and
// those who are mentioned.
func (*Adapter) People(r provider.Request) []string {
	if isForm(r.Header) {
		if p, err := pressedOf(r); err == nil && p.User.ID != "" && len(buttonsTold(p, nil)) > 0 {
			return []string{p.User.ID}
		}
		return nil
	}
	e, m, err := eventOf(r)
	if err != nil || !isReply(m) || slices.Contains(e.bots(), m.User) {
		return nil
	}
	return peopleOf(m)
}

func peopleOf(m message) []string {
	ids := people(m.Text)
	if m.UserProfile.name() == "" {
		ids = append(ids, m.User)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// bots are the ids of the app's own user.
func (e *envelope) bots() []string {
	var ids []string
	for _, a := range e.Authorizations {
		if a.IsBot && a.UserID != "" {
			ids = append(ids, a.UserID)
		}
	}
	return ids
}

// eventOf reads an event. What it tells is a message only where m has that type.
func eventOf(r provider.Request) (e envelope, m message, err error) {
	if !decode(r.Body, &e) {
		return e, m, invalid("the body has to be the JSON object of an event")
	}
	switch e.Type {
	case "":
		return e, m, invalid("the event has no type")
	case typeEvent:
	default:
		return e, m, nil
	}
	var kind struct {
		Type string `json:"type"`
	}
	if !decode(e.Event, &kind) || kind.Type == "" {
		return e, m, invalid("event has to be an object with a type")
	}
	if kind.Type == typeMessage && !decode(e.Event, &m) {
		return e, m, invalid("event is no message that could be understood")
	}
	return e, m, nil
}

func pressedOf(r provider.Request) (p pressed, err error) {
	form, err := url.ParseQuery(string(r.Body)) // of the body alone, for that is what is signed
	if err != nil || !decode([]byte(form.Get(payloadField)), &p) || p.Type == "" {
		return p, invalid("the form's field payload has to be a JSON object with a type")
	}
	return p, nil
}

func decode(data []byte, into any) bool {
	trimmed := bytes.TrimLeft(data, " \t\r\n")
	return len(trimmed) > 0 && trimmed[0] == '{' && json.Unmarshal(data, into) == nil
}

// isReply reports whether a message is one that a human wrote in a thread. Whether
// it is a session's thread, maybe another agent's in another channel, is found out
// by its id.
func isReply(m message) bool {
	switch m.Subtype {
	case "", subtypeFile, subtypeBroadcast, subtypeMe:
	default:
		return false // edits, joins, topics; what bots say
	}
	byBot := m.BotID != "" || len(m.BotProfile) > 0 && string(m.BotProfile) != "null"
	return m.Type == typeMessage && m.Channel != "" && m.TS != "" &&
		m.ThreadTS != "" && m.ThreadTS != m.TS && !byBot && m.User != "" && m.User != m.ParentUserID
}

// replyTold returns what a human's reply tells.
func (a *Adapter) replyTold(m message, names map[string]string) []handoff.Inbound {
	in := handoff.Inbound{Ref: refOf(m.Channel, m.ThreadTS), Key: messageKey + ":" + m.Channel + ":" + m.TS, Person: m.User}
	text := plain(m.Text, names)
	trimmed := strings.TrimSpace(text)
	files, lines := a.filesTold(m.Files)
	switch {
	case strings.EqualFold(trimmed, a.closeWord):
		in.Body = handoff.HumanClosed{}
	case strings.HasPrefix(trimmed, a.notePrefix) || trimmed == "" && len(m.Files) == 0:
		return nil
	default:
		if len(lines) > 0 {
			text = strings.TrimPrefix(text+"\n"+strings.Join(lines, "\n"), "\n")
		}
		in.Body = handoff.HumanMessage{AuthorName: cmp.Or(m.UserProfile.name(), names[m.User]), Text: text, Files: files}
	}
	return []handoff.Inbound{in}
}

// buttonsTold returns what buttons tell. Whose session it is says the card on which
// they stand, and not the value that they carry.
func buttonsTold(p pressed, names map[string]string) []handoff.Inbound {
	if p.Type != typeButtons || p.Container.ChannelID == "" || p.Container.MessageTS == "" {
		return nil
	}
	var all []handoff.Inbound
	for _, action := range p.Actions {
		in := handoff.Inbound{
			Person: p.User.ID,
			Ref:    refOf(p.Container.ChannelID, p.Container.MessageTS),
			Key:    strings.Join([]string{"button", p.Container.ChannelID, p.Container.MessageTS, action.ActionID, action.ActionTS}, ":"),
		}
		switch action.ActionID {
		case actionTake:
			in.Body = handoff.HumanJoined{Name: cmp.Or(names[p.User.ID], p.User.Name, p.User.Username)}
		case actionClose:
			in.Body = handoff.HumanClosed{}
		default:
			continue
		}
		all = append(all, in)
	}
	return all
}

func invalid(format string, args ...any) error {
	return handoff.Errorf(handoff.CodeInvalid, "INVALID_BODY", format, args...)
}
