package zendesk

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/briefing"
	"github.com/human-handoff/handoff/internal/provider/pieces"
)

// Adapter talks to one app.
type Adapter struct {
	client     client
	appID      string
	webhookKey string // empty as long as there is no webhook
	workspace  string

	files       provider.Files
	receiveURL  string
	host        string // of the account, with the scheme
	credentials string // of the header
	renew       func(ctx context.Context, secrets map[string]string) error

	priority, groupID, brandID string

	tags []string
}

var (
	_ provider.Adapter    = (*Adapter)(nil)
	_ provider.Installer  = (*Adapter)(nil)
	_ provider.Reader     = (*Adapter)(nil)
	_ provider.Reconciler = (*Adapter)(nil)
	_ provider.Stripper   = (*Adapter)(nil)
)

// refData is what later calls of a session need.
type refData struct {
	User string `json:"user"`
}

func dataOf(c provider.Call) (refData, error) {
	var d refData
	if err := json.Unmarshal([]byte(c.Ref.Data), &d); err != nil || d.User == "" {
		return d, provider.Errorf(provider.ClassRejected, "the session was begun by another version")
	}
	return d, nil
}

// Check implements provider.Adapter: the key has to be good for the app, and its
// conversations have to be able to go to the agents.
func (a *Adapter) Check(ctx context.Context) error {
	if err := a.client.get(ctx, "", nil); err != nil {
		return err
	}
	all, err := a.client.integrations(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, a.isWorkspace) {
		return provider.Errorf(provider.ClassIncomplete,
			"agent_workspace: the switchboard has no %q; is messaging turned on for Agent Workspace?", a.workspace)
	}
	return nil
}

// isWorkspace reports whether an integration is that of the agents.
func (a *Adapter) isWorkspace(i integration) bool {
	return i.Name == a.workspace || i.ID == a.workspace
}

// The keys of what a start writes, beside that of its call.
const (
	keyNote     = "-note"
	keyQuestion = "-question"
)

// Open implements provider.Adapter. A ticket comes of the customer's first words, and
// then it is too late for its fields: so what agents have to know is written first,
// in the company's name, then they get control with the fields, and last comes the
// question.
func (a *Adapter) Open(ctx context.Context, c provider.Call, start handoff.Start) (handoff.Ref, error) {
	userID, err := a.user(ctx, c.SessionID, start.Customer)
	if err != nil {
		return handoff.Ref{}, err
	}
	in, there, err := a.begin(ctx, c, userID)
	if err != nil {
		return handoff.Ref{}, err
	}
	data, err := json.Marshal(refData{User: userID})
	if err != nil {
		return handoff.Ref{}, err
	}
	ref := handoff.Ref{ID: in.ID, Data: string(data)}
	first, err := a.writeAll(ctx, in.ID, asBusiness(), c.IdempotencyKey+keyNote, noteOf(c.SessionID, start), there)
	if err != nil {
		return handoff.Ref{}, err
	}
	key := c.IdempotencyKey + keyQuestion
	if there[key] == "" {
		if err := a.client.passControl(ctx, in.ID, a.workspace, a.fields(start, first)); err != nil {
			return handoff.Ref{}, err
		}
	}
	_, err = a.writeAll(ctx, in.ID, asUser(userID), key, briefing.First(start), there)
	return ref, err
}

// begin returns the conversation of a session, and what an earlier attempt has
// written there.
func (a *Adapter) begin(ctx context.Context, c provider.Call, userID string) (conversation, written, error) {
	if c.Repeat {
		found, err := a.client.find(ctx, userID, c.SessionID)
		if err != nil {
			return conversation{}, nil, err
		}
		if found.ID != "" {
			there, err := a.writtenIn(ctx, found.ID, time.Time{})
			return found, there, err
		}
	}
	made, err := a.client.converse(ctx, userID, c.SessionID)
	if other := made.Metadata.text(metaSession); err == nil && other != "" && other != c.SessionID {
		err = provider.Errorf(provider.ClassRejected, "Zendesk gave the customer's other conversation; turn multi-conversations on (Channels, Messaging, Manage settings)")
	}
	return made, nil, err
}

// fields are what the ticket gets.
func (a *Adapter) fields(start handoff.Start, firstMessage string) map[string]any {
	fields := map[string]any{}
	add := func(name, value string) {
		if value != "" {
			fields[name] = value
		}
	}
	const system = "dataCapture.systemField."
	add(system+"requester.name", start.Customer.Name)
	if !start.Customer.Unverified {
		add(system+"requester.email", start.Customer.Email)
	}
	add(system+"tags", tagsOf(a.tags, start.Tags))
	add(system+"priority", cmp.Or(a.priority, string(start.Priority)))
	add(system+"group_id", a.groupID)
	add(system+"brand_id", a.brandID)
	add("first_message_id", firstMessage)
	for id, value := range ticketFields(start.ProviderExtra) {
		fields["dataCapture.ticketField."+id] = value
	}
	return fields
}

// written is what was written already: the ids of messages by their keys.
type written map[string]string

// writtenIn returns what we have written into a conversation since a time.
func (a *Adapter) writtenIn(ctx context.Context, conversationID string, since time.Time) (written, error) {
	all, err := a.client.messages(ctx, conversationID, since)
	there := written{}
	for _, m := range all {
		if key := m.Metadata.text(metaMessage); key != "" {
			there[key] = m.ID
		}
	}
	return there, err
}

// writeAll writes a text, in as many messages as it needs, but for what is there
// already. It returns the id of the first.
func (a *Adapter) writeAll(ctx context.Context, conversationID string, from map[string]any, key, text string, there written) (string, error) {
	first := ""
	for i, piece := range pieces.Of(text, maxUnits, pieces.UTF16) {
		pieceKey := key
		if i > 0 {
			pieceKey = fmt.Sprintf("%s/%d", key, i+1)
		}
		id, done := there[pieceKey]
		if !done {
			var err error
			if id, err = a.client.write(ctx, conversationID, from, pieceKey, piece); err != nil {
				return "", err
			}
		}
		if i == 0 {
			first = id
		}
	}
	return first, nil
}

// skew is how far Zendesk's clock may be behind ours.
const skew = 2 * time.Minute

// Send implements provider.Adapter. The id is that of the first piece, or of the first
// file where there is no text.
func (a *Adapter) Send(ctx context.Context, c provider.Call, m handoff.Message) (string, error) {
	d, err := dataOf(c)
	if err != nil {
		return "", err
	}
	var there written
	if c.Repeat {
		if there, err = a.writtenIn(ctx, c.Ref.ID, c.Time.Add(-skew)); err != nil {
			return "", err
		}
	}
	first := ""
	if m.Text != "" {
		if first, err = a.writeAll(ctx, c.Ref.ID, asUser(d.User), c.IdempotencyKey, m.Text, there); err != nil {
			return "", err
		}
	}
	for i, file := range m.Attachments {
		key := fmt.Sprintf("%s/file/%d", c.IdempotencyKey, i+1)
		id, done := there[key]
		if !done {
			if id, err = a.sendFile(ctx, c.Ref.ID, d.User, key, file); err != nil {
				return "", err
			}
		}
		first = cmp.Or(first, id)
	}
	return first, nil
}

// Read implements provider.Reader. That customers type cannot be told: Zendesk takes
// it from the company alone.
func (a *Adapter) Read(ctx context.Context, c provider.Call) error {
	d, err := dataOf(c)
	if err != nil {
		return err
	}
	return a.client.read(ctx, c.Ref.ID, d.User)
}

// Close implements provider.Adapter. Agents read why, and control goes back; the
// ticket stays open, for what they may still have to do. An end that came from
// Zendesk is not told, and what is gone is closed.
func (a *Adapter) Close(ctx context.Context, c provider.Call, reason handoff.CloseReason) error {
	why := briefing.End(reason)
	if why == "" || c.Ref.ID == "" {
		return nil
	}
	var there written
	if c.Repeat {
		var err error
		if there, err = a.writtenIn(ctx, c.Ref.ID, c.Time.Add(-skew)); err != nil {
			return unlessGone(err)
		}
	}
	if _, err := a.writeAll(ctx, c.Ref.ID, asBusiness(), c.IdempotencyKey, why, there); err != nil {
		return unlessGone(err)
	}
	return unlessGone(a.client.releaseControl(ctx, c.Ref.ID))
}

// unlessGone drops the error of a close that was not needed any more.
func unlessGone(err error) error {
	if isGone(err) {
		return nil
	}
	return err
}
