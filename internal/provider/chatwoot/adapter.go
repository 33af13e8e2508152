package chatwoot

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/briefing"
)

// Adapter talks to one inbox.
type Adapter struct {
	client client
	tokens *provider.Tokens
	files  provider.Files
	token  string
	secret string // empty: webhooks are not signed

	accountID, inboxID, teamID, assigneeID int64

	sent func(ctx context.Context, vendorID string) (bool, error)
}

var (
	_ provider.Adapter    = (*Adapter)(nil)
	_ provider.Reconciler = (*Adapter)(nil)
	_ provider.Pacer      = (*Adapter)(nil)
	_ provider.Typer      = (*Adapter)(nil)
	_ provider.Reader     = (*Adapter)(nil)
)

// channelAPI is the kind of inbox whose customers come over the API.
const channelAPI = "Channel::Api"

// Check implements provider.Adapter: the token has to be good for the account, the
// inbox of the right kind with the secret that we know, and team and agent have to
// be there.
func (a *Adapter) Check(ctx context.Context) error {
	p, err := a.client.profile(ctx)
	if err != nil {
		return err
	}
	if !p.has(a.accountID) {
		return provider.Errorf(provider.ClassIncomplete, "account_id: the access token is of a user who is not in this account")
	}
	i, err := a.client.getInbox(ctx)
	switch {
	case isGone(err):
		return provider.Errorf(provider.ClassIncomplete, "inbox_id: the account has no inbox with this id, or the token's user is not in it")
	case err != nil:
		return err
	case i.ChannelType != "" && i.ChannelType != channelAPI:
		return provider.Errorf(provider.ClassIncomplete, "inbox_id: the inbox is a %s; make one of the kind API", i.ChannelType)
	case a.secret != "" && i.Secret != "" && i.Secret != a.secret:
		return provider.Errorf(provider.ClassIncomplete, "webhook_secret: the inbox has another one; it is not the HMAC token")
	}
	return a.checkAssignment(ctx)
}

func (a *Adapter) checkAssignment(ctx context.Context) error {
	if a.teamID != 0 {
		err := a.client.get(ctx, a.client.account+"/teams/"+strconv.FormatInt(a.teamID, 10), nil)
		if isGone(err) {
			return provider.Errorf(provider.ClassIncomplete, "team_id: the account has no team with this id")
		}
		if err != nil {
			return err
		}
	}
	if a.assigneeID == 0 {
		return nil
	}
	list, err := a.client.assignable(ctx)
	if err != nil {
		return err
	}
	for _, agent := range list.Agents {
		if string(agent.ID) == strconv.FormatInt(a.assigneeID, 10) {
			return nil
		}
	}
	return provider.Errorf(provider.ClassIncomplete, "assignee_id: the inbox has no agent with this id")
}

// has reports whether the token's user is in an account. Versions that do not say
// so are believed.
func (p *profile) has(accountID int64) bool {
	for _, account := range p.Accounts {
		if string(account.ID) == strconv.FormatInt(accountID, 10) {
			return true
		}
	}
	return p.Accounts == nil
}

// pace keeps the messages of a conversation below the 200 a minute that Chatwoot
// takes, what the agents write included.
const pace = 400 * time.Millisecond

// Pace implements provider.Pacer.
func (a *Adapter) Pace(c provider.Call) (key string, interval time.Duration) { return c.Ref.ID, pace }

// source is the name under which the inbox knows the customer in one session. One
// name for each session keeps their conversations apart, also in inboxes that are
// set to a single one for each customer. Who knows it can write in the customer's
// name, so nobody else can tell what it is.
func (a *Adapter) source(sessionID string) string {
	mac := hmac.New(sha256.New, []byte(a.token))
	mac.Write([]byte("handoff source " + sessionID))
	return "handoff-" + hex.EncodeToString(mac.Sum(nil)[:16])
}

// The keys of what a start writes, beside that of its call.
const (
	keyNote     = "-note"
	keyQuestion = "-question"
)

// Open implements provider.Adapter. What agents have to know is a note, which the
// customer never sees; the question follows as the customer's first message.
func (a *Adapter) Open(ctx context.Context, c provider.Call, start handoff.Start) (handoff.Ref, error) {
	customer, err := a.contact(ctx, c.SessionID, start.Customer)
	if err != nil {
		return handoff.Ref{}, err
	}
	first := briefing.First(start)
	l := leftover{}
	if c.Repeat {
		if l, err = a.leftover(ctx, c, string(customer.ID), first); err != nil {
			return handoff.Ref{}, err
		}
	}
	if l.conversationID == "" {
		if l.conversationID, err = a.client.converse(ctx, a.newConversation(c, customer)); err != nil {
			return handoff.Ref{}, err
		}
	}
	if !l.noted {
		if err := a.client.note(ctx, l.conversationID, c.IdempotencyKey+keyNote, noteOf(c.SessionID, start, customer)); err != nil {
			return handoff.Ref{}, err
		}
	}
	if !l.asked {
		if _, err := a.client.say(ctx, l.conversationID, c.IdempotencyKey+keyQuestion, first); err != nil {
			return handoff.Ref{}, err
		}
	}
	return handoff.Ref{ID: l.conversationID}, nil
}

func (a *Adapter) newConversation(c provider.Call, of contact) map[string]any {
	body := map[string]any{
		"source_id": a.source(c.SessionID), "inbox_id": a.inboxID, "contact_id": number(of.ID), "status": statusOpen,
		"custom_attributes": map[string]string{attributeSession: c.SessionID, attributeAgent: c.AgentID},
	}
	if a.teamID != 0 {
		body["team_id"] = a.teamID
	}
	if a.assigneeID != 0 {
		body["assignee_id"] = a.assigneeID
	}
	return body
}

// number is an id as Chatwoot's own clients send it.
func number(i id) any {
	if n, err := strconv.ParseInt(string(i), 10, 64); err == nil {
		return n
	}
	return string(i)
}

// maxNote is how many bytes of a note are sent; Chatwoot takes 150,000 characters.
const maxNote = 149_000

// noteOf is what agents get to know of a start. Chatwoot shows it, as all messages,
// as Markdown.
func noteOf(sessionID string, start handoff.Start, customer contact) string {
	lines := []string{"**" + briefing.Mark(sessionID) + "**"}
	if email := start.Customer.Email; email != "" && !start.Customer.Unverified && !strings.EqualFold(email, customer.Email) {
		lines = append(lines, "E-mail: "+email)
	}
	lines = append(lines, briefing.Facts(start)...)
	for _, turn := range start.Transcript {
		lines = append(lines, "", fmt.Sprintf("**%s:** %s", briefing.Speaker(turn), turn.Text))
	}
	note := strings.Join(lines, "\n")
	if len(note) > maxNote {
		note = strings.ToValidUTF8(note[:maxNote], "") + "…"
	}
	return note
}

// Close implements provider.Adapter. A note tells agents why, and the conversation
// is resolved. An end that came from Chatwoot is not told, and what is gone is closed.
func (a *Adapter) Close(ctx context.Context, c provider.Call, reason handoff.CloseReason) error {
	why := briefing.End(reason)
	if why == "" || c.Ref.ID == "" {
		return nil
	}
	noted := false
	if c.Repeat {
		was, err := a.client.conversation(ctx, c.Ref.ID)
		if err != nil || was.Status == statusResolved {
			return unlessGone(err)
		}
		all, err := a.client.messages(ctx, c.Ref.ID, c.Time.Add(-skew))
		if err != nil {
			return unlessGone(err)
		}
		noted = hasNote(all, c.IdempotencyKey, why)
	}
	if !noted {
		if err := a.client.note(ctx, c.Ref.ID, c.IdempotencyKey, why); err != nil {
			return unlessGone(err)
		}
	}
	return unlessGone(a.client.resolve(ctx, c.Ref.ID))
}

// unlessGone drops the error of a close that was not needed any more.
func unlessGone(err error) error {
	if isGone(err) || statusOf(err) == http.StatusConflict || statusOf(err) == http.StatusGone {
		return nil
	}
	return err
}
