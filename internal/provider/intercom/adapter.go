package intercom

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/briefing"
	"github.com/human-handoff/handoff/internal/provider/richtext"
)

// Adapter talks to one workspace.
type Adapter struct {
	client  client
	secret  string
	adminID string
	teamID  string
	base    string
	region  string // as Intercom calls it; empty = not known
	sent    func(ctx context.Context, vendorID string) (bool, error)
	now     handoff.Clock
}

var (
	_ provider.Adapter    = (*Adapter)(nil)
	_ provider.Reconciler = (*Adapter)(nil)
)

// refData is what later calls of a session need.
type refData struct {
	Contact string `json:"contact"`
	Admin   string `json:"admin,omitempty"` // empty if there is none to act as
}

func dataOf(c provider.Call) (refData, error) {
	var d refData
	if err := json.Unmarshal([]byte(c.Ref.Data), &d); err != nil || d.Contact == "" {
		return d, provider.Errorf(provider.ClassRejected, "the session was begun by another version")
	}
	return d, nil
}

// Check implements provider.Adapter: the token has to be good, the region right,
// and teammate and team have to be there.
func (a *Adapter) Check(ctx context.Context) error {
	m, err := a.client.me(ctx)
	if err != nil {
		return err
	}
	if m.App != nil && a.region != "" && m.App.Region != "" && !strings.EqualFold(m.App.Region, a.region) {
		return provider.Errorf(provider.ClassIncomplete, "the workspace is hosted in %s; set region accordingly", m.App.Region)
	}
	for path, field := range map[string]string{
		"/admins/" + url.PathEscape(a.adminID): "admin_id", "/teams/" + url.PathEscape(a.teamID): "team_id",
	} {
		if strings.HasSuffix(path, "/") {
			continue
		}
		if err := a.client.get(ctx, path, nil); statusOf(err) == http.StatusNotFound {
			return provider.Errorf(provider.ClassIncomplete, "%s: the workspace knows none with this id", field)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// Open implements provider.Adapter. The question is the first message of the
// conversation. The rest of the start is a note for teammates; without a teammate
// to write it, it comes before the question.
func (a *Adapter) Open(ctx context.Context, c provider.Call, start handoff.Start) (handoff.Ref, error) {
	admin, err := a.admin(ctx)
	if err != nil {
		return handoff.Ref{}, err
	}
	customer, err := a.contact(ctx, c.SessionID, start.Customer)
	if err != nil {
		return handoff.Ref{}, err
	}
	first := briefing.First(start)
	if admin == "" {
		first = plainContext(start) + first
	}
	l := leftover{}
	if c.Repeat {
		if l, err = a.leftover(ctx, c, string(customer.ID), first); err != nil {
			return handoff.Ref{}, err
		}
	}
	if l.conversationID == "" {
		if l.conversationID, err = a.client.converse(ctx, customer, first); err != nil {
			return handoff.Ref{}, err
		}
	}
	data, err := json.Marshal(refData{Contact: string(customer.ID), Admin: admin})
	if err != nil {
		return handoff.Ref{}, err
	}
	return handoff.Ref{ID: l.conversationID, Data: string(data)}, a.furnish(ctx, l, admin, c, start)
}

// furnish adds what teammates need to a new conversation.
func (a *Adapter) furnish(ctx context.Context, l leftover, admin string, c provider.Call, start handoff.Start) error {
	if admin == "" {
		return nil
	}
	if !l.noted {
		if err := a.client.note(ctx, l.conversationID, admin, noteOf(c.SessionID, start)); err != nil {
			return err
		}
	}
	if a.teamID == "" || l.assigned {
		return nil
	}
	return a.client.assign(ctx, l.conversationID, admin, a.teamID)
}

// admin is the teammate in whose name we act; empty if there is none.
func (a *Adapter) admin(ctx context.Context) (string, error) {
	if a.adminID != "" {
		return a.adminID, nil
	}
	m, err := a.client.me(ctx)
	return string(m.ID), err
}

// Send implements provider.Adapter.
func (a *Adapter) Send(ctx context.Context, c provider.Call, m handoff.Message) (string, error) {
	d, err := dataOf(c)
	if err != nil {
		return "", err
	}
	text := m.Text
	if c.Repeat {
		if partID, err := a.delivered(ctx, c, text); err != nil || partID != "" {
			return partID, err
		}
	}
	after, err := a.client.say(ctx, c.Ref.ID, d.Contact, text)
	if merged, ok := errors.AsType[*refusal](err); ok && merged.existing != "" && statusOf(err) == http.StatusGone {
		after, err = a.client.say(ctx, c.Ref.ID, merged.existing, text) // the contact was merged into another
	}
	if err != nil {
		return "", err
	}
	return lastOfCustomer(after), nil
}

// lastOfCustomer returns the id of the customer's last message in a conversation.
func lastOfCustomer(c conversation) string {
	for _, p := range slices.Backward(c.Parts.Parts) {
		if p.Author.Type == byUser || p.Author.Type == byLead {
			return string(p.ID)
		}
	}
	return ""
}

// Close implements provider.Adapter. A note tells teammates why, and the
// conversation is closed. Without a teammate to do it, the customer says so. An
// end that came from Intercom is not told, and what is gone is closed.
func (a *Adapter) Close(ctx context.Context, c provider.Call, reason handoff.CloseReason) error {
	why := briefing.End(reason)
	if why == "" || c.Ref.ID == "" {
		return nil
	}
	d, err := dataOf(c)
	if err != nil {
		return err
	}
	noted := false
	if c.Repeat {
		was, err := a.client.conversation(ctx, c.Ref.ID)
		if err != nil || was.State == stateClosed {
			return unlessDone(err)
		}
		noted = slices.ContainsFunc(was.Parts.Parts, func(p part) bool { return strings.Contains(p.Body, why) })
	}
	if !noted {
		err = a.explain(ctx, c, d, why)
	}
	if err != nil || d.Admin == "" {
		return unlessDone(err)
	}
	return unlessDone(a.client.close(ctx, c.Ref.ID, d.Admin))
}

// explain tells teammates why a session ends.
func (a *Adapter) explain(ctx context.Context, c provider.Call, d refData, why string) error {
	if d.Admin != "" {
		return a.client.note(ctx, c.Ref.ID, d.Admin, richtext.ToHTML(why))
	}
	_, err := a.client.say(ctx, c.Ref.ID, d.Contact, "("+why+")")
	return err
}

// unlessDone drops the error of a close that was not needed any more.
func unlessDone(err error) error {
	if isGone(err) || statusOf(err) == http.StatusConflict {
		return nil
	}
	return err
}

// noteOf is what teammates get to know of a start, as HTML that shows every text
// literally.
func noteOf(sessionID string, start handoff.Start) string {
	var html strings.Builder
	html.WriteString("<p><b>" + richtext.ToHTML(briefing.Mark(sessionID)) + "</b></p>")
	for _, line := range briefing.Facts(start) {
		html.WriteString("<p>" + richtext.ToHTML(line) + "</p>")
	}
	for _, turn := range start.Transcript {
		html.WriteString("<p><b>" + briefing.Speaker(turn) + ":</b> " + richtext.ToHTML(turn.Text) + "</p>")
	}
	return html.String()
}

// plainContext is the same before the first message, where a note is not possible.
func plainContext(start handoff.Start) string {
	lines := briefing.Facts(start)
	for _, turn := range start.Transcript {
		lines = append(lines, briefing.Speaker(turn)+": "+turn.Text)
	}
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n\n"
}
