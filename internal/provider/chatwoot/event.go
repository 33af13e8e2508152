package chatwoot

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// typeUser is the type of agents. Bots and assistants have others, and rules that
// send by themselves are nobody.
const typeUser = "user"

// said returns what a message tells us: nothing unless an agent has written it to
// the customer. A webhook and a later look give the same, with the same key.
func said(conversationID string, m message) []handoff.Inbound {
	if m.Direction != outgoing || m.Private || m.ContentAttributes.Deleted || m.Sender == nil || !strings.EqualFold(m.Sender.Type, typeUser) {
		return nil
	}
	text, files := m.holds()
	if text == "" && len(files) == 0 || m.ID == "" {
		return nil
	}
	return []handoff.Inbound{{
		Ref: conversationID, Key: "message:" + string(m.ID), VendorID: string(m.ID),
		Body: handoff.HumanMessage{AuthorName: m.Sender.Name, Text: provider.Cut(text), Files: files},
	}}
}

// holds returns the words of a message and its files.
func (m *message) holds() (text string, files []handoff.RemoteFile) {
	if strings.TrimSpace(m.Content) != "" {
		text = m.Content
	}
	for _, a := range m.Attachments {
		if !a.isFile() {
			text = strings.TrimPrefix(text+"\n"+a.words(), "\n")
		} else if a.DataURL != "" {
			files = append(files, handoff.RemoteFile{Name: a.name(), Size: a.FileSize, URL: a.DataURL})
		}
	}
	return text, files
}

// isFile tells files from places, contacts and links, which have no content.
func (a attachment) isFile() bool {
	return !slices.Contains([]string{"location", "contact", "fallback"}, a.FileType)
}

// words is what is no file as text.
func (a attachment) words() string {
	return strings.Trim(a.Title+": "+a.DataURL, ": ")
}

// name is what a file is called: the end of its address.
func (a attachment) name() string {
	name := ""
	if u, err := url.Parse(a.DataURL); err == nil {
		name = path.Base(u.Path)
	}
	if name == "." || name == "/" {
		name = ""
	}
	return cmp.Or(name, a.FileType, "file")
}

// closed tells that a conversation was resolved. It is closed for good then, even
// if somebody opens it again.
func closed(conversationID string) handoff.Inbound {
	return handoff.Inbound{Ref: conversationID, Key: "resolved:" + conversationID, Body: handoff.HumanClosed{}}
}

// gone tells that a conversation was deleted, of which no webhook tells.
func gone(conversationID string) handoff.Inbound {
	return handoff.Inbound{Ref: conversationID, Key: "deleted:" + conversationID, Body: handoff.HumanClosed{}}
}

// tells returns what an event about a conversation tells us.
func (e *conversationEvent) tells(event string) []handoff.Inbound {
	if event == eventStatus {
		if e.Status == statusResolved {
			return []handoff.Inbound{closed(string(e.ID))}
		}
		return nil
	}
	to := e.Meta.Assignee
	if to == nil || to.Name == "" || to.Type != "" && !strings.EqualFold(to.Type, typeUser) || strings.EqualFold(e.Meta.AssigneeType, "AgentBot") || !e.changed("assignee_id") {
		return nil
	}
	key := strings.Join([]string{"assigned", string(e.ID), string(to.ID), string(e.UpdatedAt)}, ":")
	return []handoff.Inbound{{Ref: string(e.ID), Key: key, Body: handoff.HumanJoined{Name: to.Name}}}
}

// changed reports whether an event is about a certain attribute. They are in a list
// of objects, or in one object.
func (e *conversationEvent) changed(attribute string) bool {
	var list []map[string]json.RawMessage
	if json.Unmarshal(e.Changed, &list) != nil {
		var one map[string]json.RawMessage
		_ = json.Unmarshal(e.Changed, &one) // else nothing has
		list = append(list, one)
	}
	for _, attributes := range list {
		if _, ok := attributes[attribute]; ok {
			return true
		}
	}
	return false
}

// Since implements provider.Reconciler. Chatwoot sends no webhook twice, so this is
// how what was lost is found. The status is read first: an end comes after all
// that was said before it.
func (a *Adapter) Since(ctx context.Context, c provider.Call, since time.Time) ([]handoff.Inbound, error) {
	now, err := a.client.conversation(ctx, c.Ref.ID)
	if isGone(err) {
		return []handoff.Inbound{gone(c.Ref.ID)}, nil
	}
	if err != nil {
		return nil, err
	}
	var all []handoff.Inbound
	if now.LastActivityAt.IsZero() || now.LastActivityAt.Unix() >= since.Unix() {
		messages, err := a.client.messages(ctx, c.Ref.ID, since)
		if err != nil {
			return nil, err
		}
		for _, m := range messages {
			all = append(all, said(c.Ref.ID, m)...)
		}
	}
	if now.Status == statusResolved {
		all = append(all, closed(c.Ref.ID))
	}
	return all, nil
}
