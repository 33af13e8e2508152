package dingtalk

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/messenger"
	"github.com/human-handoff/handoff/internal/provider/pieces"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// Adapter talks to one group.
type Adapter struct {
	rest     restapi.Client
	old      restapi.Client // of what only the old host serves
	base     string
	id       string
	secret   string
	robot    string // its code
	group    string // empty until it is learnt
	template string // of cards; empty = none
	stream   bool
	tokens   *provider.Tokens
	now      handoff.Clock
}

var (
	_ provider.Adapter    = (*Adapter)(nil)
	_ provider.Messenger  = (*Adapter)(nil)
	_ provider.Gatherer   = (*Adapter)(nil)
	_ provider.Introducer = (*Adapter)(nil)
	_ provider.Learner    = (*Adapter)(nil)
	_ provider.Listener   = (*Adapter)(nil)
	_ provider.Stripper   = (*Adapter)(nil)
)

// refData is what later calls of a session need.
type refData struct {
	Customer string `json:"customer,omitempty"` // the name
	Card     string `json:"card,omitempty"`     // what we call it
}

func dataOf(c provider.Call) (refData, error) {
	var d refData
	if err := json.Unmarshal([]byte(c.Ref.Data), &d); err != nil {
		return d, provider.Errorf(provider.ClassRejected, "the session was begun by another version")
	}
	return d, nil
}

// Check implements provider.Adapter. A token proves id and secret; whether the robot
// may write, and is in the group, shows with the first message alone.
func (a *Adapter) Check(ctx context.Context) error {
	token, err := a.fetchToken(ctx)
	if err != nil {
		return err
	}
	a.tokens.Put(a.tokenKey(), token)
	if a.group == "" {
		return errNoGroup()
	}
	return nil
}

// Group implements provider.Gatherer.
func (a *Adapter) Group() string { return a.group }

// BriefStart implements provider.Messenger: everybody in the group reads all of it.
func (a *Adapter) BriefStart() bool { return false }

// Open implements provider.Adapter.
func (a *Adapter) Open(ctx context.Context, c provider.Call, start handoff.Start) (handoff.Ref, error) {
	d := refData{Customer: oneLine(start.Customer.Name)}
	texts := headed(header(c.Seat.Tag, d.Customer), brief(c.Seat.Tag, start))
	if _, err := a.write(ctx, c, texts); err != nil {
		return handoff.Ref{}, err
	}
	if a.template != "" && a.stream {
		d.Card = cardID(c)
		if err := a.deal(ctx, c, start, len(texts)); err != nil {
			return handoff.Ref{}, err
		}
	}
	data, err := encode(d)
	return handoff.Ref{ID: c.Seat.Tag, Data: data}, err
}

// Send implements provider.Adapter.
func (a *Adapter) Send(ctx context.Context, c provider.Call, m handoff.Message) (string, error) {
	d, err := dataOf(c)
	if err != nil {
		return "", err
	}
	return a.write(ctx, c, headed(numbered(header(c.Seat.Tag, d.Customer), c.IdempotencyKey), m.Text))
}

// write writes to the group what earlier attempts did not bring there, and returns
// the id of the last message.
func (a *Adapter) write(ctx context.Context, c provider.Call, texts []string) (string, error) {
	id := ""
	for i, text := range texts {
		if earlier := c.Seat.Earlier[a.group]; i < len(earlier) {
			id = earlier[i]
			continue
		}
		if c.Repeat && i == len(c.Seat.Earlier[a.group]) {
			text = marked(text)
		}
		var err error
		if id, err = a.post(ctx, text, c.IdempotencyKey+":"+strconv.Itoa(i)); err != nil {
			return "", err
		}
		c.Seat.Noted(a.group, id)
	}
	return id, nil
}

// Close implements provider.Adapter. An end that came from a human of the group all
// have read.
func (a *Adapter) Close(ctx context.Context, c provider.Call, reason handoff.CloseReason) error {
	if c.Ref.ID == "" {
		return nil
	}
	d, err := dataOf(c)
	if err != nil {
		return err
	}
	if notice := messenger.NoticeOfClose(reason); notice != messenger.NoticeNone {
		if _, err := a.write(ctx, c, []string{both(notice, c.Seat.Tag)}); err != nil {
			return err
		}
	}
	if d.Card != "" {
		return a.fold(ctx, d.Card)
	}
	return nil
}

// Tell implements provider.Messenger. It says whom it is for, for all read it.
func (a *Adapter) Tell(ctx context.Context, n provider.Notice) ([]string, error) {
	text := offered(n.Text, n.Locale, n.Choices)
	if n.Name != "" && n.Person != a.group {
		text = oneLine(n.Name) + ": " + text
	}
	var ids []string
	for i, part := range pieces.Of(text, maxText, pieces.Characters) {
		id, err := a.post(ctx, part, n.IdempotencyKey+":"+strconv.Itoa(i))
		if err != nil {
			return ids, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}
