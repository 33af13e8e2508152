package qiyu

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// The types of events that are looked at.
const (
	eventMessage = "MSG"
	eventStart   = "SESSION_START"
	eventEnd     = "SESSION_END"
)

// nameless bounds for how long equal messages without an id and a time are one.
const nameless = 10 * time.Minute

// Parse implements provider.Adapter. The answer is empty, and the same for sessions
// that are over or not ours: whatever else it was, QiYu would go on sending it.
func (a *Adapter) Parse(r provider.Request) (provider.Reply, []handoff.Inbound, error) {
	reply := provider.Reply{Always: true}
	if greets(r) {
		return reply, nil, nil
	}
	query, err := url.ParseQuery(r.Query)
	if err != nil {
		return provider.Reply{}, nil, invalid("the query cannot be read")
	}
	event := query.Get(parameterType)
	read, known := readers[event]
	if !known {
		return reply, nil, nil
	}
	var p push
	if trimmed := bytes.TrimLeft(r.Body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' || json.Unmarshal(r.Body, &p) != nil {
		return provider.Reply{}, nil, invalid("the body of a push of %s has to be a JSON object", event)
	}
	if p.UID == "" {
		if event == eventMessage {
			return provider.Reply{}, nil, invalid("the message has no uid")
		}
		return reply, nil, nil
	}
	in := read(p)
	if in.Body == nil {
		return reply, nil, nil
	}
	if in.Key == "" {
		digest := sha256.Sum256(r.Body)
		in.Key = event + ":" + hex.EncodeToString(digest[:])
	}
	// The session is found even while the answer to its start is under way, and that
	// of another agent with the same account by its Ref.
	in.SessionID, in.Ref = string(p.UID), string(p.UID)
	return reply, []handoff.Inbound{in}, nil
}

// readers read each type of event. Without a body there is nothing to tell, and
// without a key it is made of the push.
var readers = map[string]func(push) handoff.Inbound{
	eventMessage: said,
	eventStart: func(p push) handoff.Inbound {
		if p.StaffType != nil && *p.StaffType != human {
			return handoff.Inbound{}
		}
		return joined(string(p.UID), string(p.SessionID), p.StaffName)
	},
	eventEnd: func(p push) handoff.Inbound {
		if p.CloseReason == nil {
			return handoff.Inbound{}
		}
		return handoff.Inbound{Key: fmt.Sprintf("end:%s:%s:%d", p.UID, p.SessionID, *p.CloseReason), Body: ended(p)}
	},
}

// joined tells that somebody of the staff has taken a session.
func joined(uid, sessionID, name string) handoff.Inbound {
	in := handoff.Inbound{Body: handoff.HumanJoined{Name: name}}
	if sessionID != "" {
		in.Key = "start:" + uid + ":" + sessionID
	}
	return in
}

// said tells what a human has said.
func said(p push) handoff.Inbound {
	if p.isRobots() {
		return handoff.Inbound{}
	}
	m := handoff.HumanMessage{AuthorName: p.StaffName}
	if p.MsgType == typeText {
		var text string
		_ = json.Unmarshal(p.Content, &text) // what is no text says nothing
		m.Text = provider.Cut(text)
	} else {
		m.Files = p.files()
	}
	if m.Text == "" && len(m.Files) == 0 {
		return handoff.Inbound{}
	}
	in := handoff.Inbound{Body: m}
	switch {
	case p.MsgID != "":
		in.Key = "message:" + string(p.MsgID)
	case p.TimeStamp == "":
		in.Window = nameless
	}
	return in
}

// isRobots reports whether a robot has said a message. They come as the same events:
// they say of what type they are, or have no member of the staff to them.
func (p *push) isRobots() bool {
	return p.StaffType != nil && *p.StaffType != human || p.StaffID == "" || strings.HasPrefix(string(p.StaffID), "-")
}

// files returns what a message that is no text shows.
func (p *push) files() []handoff.RemoteFile {
	data := []byte(p.Content)
	var text string
	if json.Unmarshal(data, &text) == nil {
		data = []byte(text) // an object within a text
	}
	var c content
	if json.Unmarshal(data, &c) != nil {
		return nil
	}
	f, ok := c.file(p.MsgType)
	if !ok {
		return nil
	}
	return []handoff.RemoteFile{f}
}

// ended tells how a session ended; only that somebody left it where it goes on with
// others.
func ended(p push) handoff.InboundBody {
	left := handoff.HumanLeft{Name: p.StaffName}
	switch *p.CloseReason {
	case closedByStaff:
		return handoff.HumanClosed{}
	case closedAsSilent:
		return handoff.HumanClosed{Silent: true}
	case closedAsStaffLeft:
		return handoff.HumanClosed{Outcome: handoff.Outcome{Note: "The human left QiYu."}}
	case closedForHuman:
		return nil
	case closedForTransfer:
		return left
	}
	var to restapi.ID // of an object, too, for this is about whether there is one
	if json.Unmarshal(p.TransferTo, &to) == nil && (to != "" || strings.HasPrefix(string(p.TransferTo), "{")) {
		return left
	}
	return handoff.HumanClosed{Outcome: handoff.Outcome{Note: fmt.Sprintf("QiYu ended the session for a reason of its own (%d).", *p.CloseReason)}}
}

func invalid(format string, args ...any) error {
	return handoff.Errorf(handoff.CodeInvalid, "INVALID_BODY", format, args...)
}
