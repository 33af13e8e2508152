package switchboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/messenger"
)

// order carries out what a human ordered.
func (svc *Service) order(ctx context.Context, t *turn, d messenger.Decision) error {
	switch d.Command {
	case messenger.TakeIt:
		taken, err := svc.take(ctx, t, d.Tag)
		if taken && t.said.Stays {
			t.record.Pin = d.Tag
		}
		return err
	case messenger.PassIt:
		return svc.pass(ctx, t, d.Tag)
	case messenger.CloseIt:
		return svc.end(ctx, t, d)
	case messenger.PickIt:
		return svc.pick(ctx, t, d)
	case messenger.ListThem:
		t.list()
	case messenger.ShowHelp:
		t.tell(messenger.NoticeHelp, "", "")
	case messenger.NoCommand:
	}
	return nil
}

// take gives a session to the human, tells the customer, and tells the others who
// were offered it. It reports false, having told the human, if another was quicker.
func (svc *Service) take(ctx context.Context, t *turn, tag string) (bool, error) {
	seat := t.seat(tag)
	if seat.Person == t.said.Person {
		// They may have missed a part of it, and that is how they ask for it.
		return true, svc.show(ctx, t, seat)
	}
	taken, err := svc.store.Take(ctx, seat.SessionID, t.said.Person, t.said.Name, t.now)
	if err != nil {
		return false, err
	}
	if !taken {
		again, err := svc.store.Seats(ctx, t.connectionID, t.now)
		if err != nil {
			return false, err
		}
		t.seats = again
		t.tell(messenger.NoticeTaken, tag, t.holder(tag))
		return false, nil
	}
	svc.sits.Store(seat.SessionID, t.said.Person)
	err = svc.sessions.Receive(ctx, t.connectionID, handoff.Inbound{
		SessionID: seat.SessionID, Key: "took:" + t.record.Key, Body: handoff.HumanJoined{Name: t.said.Name},
	})
	if errors.Is(err, handoff.ErrSessionClosed) {
		t.tell(messenger.NoticeClosed, tag, "")
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := svc.show(ctx, t, seat); err != nil {
		return false, err
	}
	if group, err := svc.group(ctx, t.connectionID); err != nil || group != "" {
		return true, err // they have read it
	}
	return true, svc.tellOthers(ctx, t, seat, messenger.NoticeTaken.Text(t.said.Locale, tag, cmp.Or(t.said.Name, t.said.Person)))
}

// show tells the human that a session is theirs, and what was said in it where
// their chat app showed too little of it.
func (svc *Service) show(ctx context.Context, t *turn, seat *Seat) error {
	all, err := svc.history(ctx, t.connectionID, seat)
	if err != nil {
		return err
	}
	group, err := svc.group(ctx, t.connectionID)
	if err != nil {
		return err
	}
	text := messenger.NoticeTook.Text(t.said.Locale, seat.Tag, "")
	if group != "" {
		text = messenger.NoticeTookInGroup.Text(t.said.Locale, seat.Tag, t.said.Name)
	}
	if all.text != "" {
		text += "\n\n" + all.text
	}
	t.notify(seat.SessionID, text)
	t.record.Notices[len(t.record.Notices)-1].Notice.Orders = []provider.Choice{
		{Label: messenger.LabelClose.Text(t.said.Locale, "", ""), Button: messenger.Button(messenger.CloseIt, seat.Tag)},
		{Label: messenger.LabelPass.Text(t.said.Locale, "", ""), Button: messenger.Button(messenger.PassIt, seat.Tag)},
	}
	for i := range all.files {
		t.notify(seat.SessionID, strings.TrimSpace("#"+seat.Tag+" "+oneLine(seat.Customer)))
		last := &t.record.Notices[len(t.record.Notices)-1].Notice
		last.File, last.Quote = &all.files[i], ""
	}
	return nil
}

// group returns the chat that all humans of a desk share; empty if each has their own.
func (svc *Service) group(ctx context.Context, connectionID string) (string, error) {
	m, err := svc.connections.Messenger(ctx, connectionID)
	if g, ok := m.(provider.Gatherer); ok && err == nil {
		return g.Group(), nil
	}
	return "", err
}

// tellOthers tells the other humans to whom a session was shown, or all by what was
// shown to everybody last.
func (svc *Service) tellOthers(ctx context.Context, t *turn, seat *Seat, text string) error {
	shown, err := svc.store.ShownTo(ctx, seat.SessionID, "")
	if err != nil {
		return err
	}
	offered := lastOffer(shown)
	mine, name := t.said.Person, t.said.Name
	t.said.Name = ""
	told := map[string]bool{mine: true}
	for _, m := range shown {
		if !told[m.Person] {
			told[m.Person] = true
			t.said.Person = m.Person
			t.notify(seat.SessionID, text)
			quote := &t.record.Notices[len(t.record.Notices)-1].Notice.Quote
			*quote = m.VendorID
			if m.Person == provider.Everybody {
				*quote = offered
			}
		}
	}
	t.said.Person, t.said.Name = mine, name
	return nil
}

// lastOffer returns the vendor's id of the last of some messages that everybody got.
func lastOffer(shown []Message) (vendorID string) {
	for _, m := range shown {
		if m.Person == provider.Everybody {
			vendorID = m.VendorID
		}
	}
	return vendorID
}

// pass offers a session to everybody again.
func (svc *Service) pass(ctx context.Context, t *turn, tag string) error {
	seat := t.seat(tag)
	if seat.Person == "" {
		return nil // it never was this human's
	}
	if err := svc.store.Leave(ctx, seat.SessionID, t.said.Person); err != nil {
		return err
	}
	svc.sits.Delete(seat.SessionID)
	err := svc.sessions.Receive(ctx, t.connectionID, handoff.Inbound{
		SessionID: seat.SessionID, Key: "passed:" + t.record.Key, Body: handoff.HumanLeft{Name: t.said.Name},
	})
	if err != nil && !errors.Is(err, handoff.ErrSessionClosed) {
		return err
	}
	t.tell(messenger.NoticeReleased, tag, "")
	return svc.offerOthers(ctx, t, seat)
}

func (svc *Service) offerOthers(ctx context.Context, t *turn, seat *Seat) error {
	before := len(t.record.Notices)
	text := seat.offer()
	if err := svc.tellOthers(ctx, t, seat, text); err != nil {
		return err
	}
	for i := range t.record.Notices[before:] {
		t.record.Notices[before+i].Notice.Choices = t.choices(messenger.TakeIt, []string{seat.Tag})
	}
	return nil
}

// offer is how a session is offered in few words.
func (s *Seat) offer() string {
	return strings.TrimSpace(fmt.Sprintf("#%s %s: %s", s.Tag, oneLine(s.Customer), oneLine(s.Words)))
}

// end closes a session.
func (svc *Service) end(ctx context.Context, t *turn, d messenger.Decision) error {
	err := svc.sessions.Receive(ctx, t.connectionID, handoff.Inbound{
		SessionID: t.seat(d.Tag).SessionID, Key: "closed:" + t.record.Key, Body: handoff.HumanClosed{},
	})
	if err != nil && !errors.Is(err, handoff.ErrSessionClosed) {
		return err
	}
	t.tell(messenger.NoticeEnded, d.Tag, "")
	return nil
}

// pick notes which session the human chose, and brings there what was held.
func (svc *Service) pick(ctx context.Context, t *turn, d messenger.Decision) error {
	if d.Take {
		if taken, err := svc.take(ctx, t, d.Tag); err != nil || !taken {
			return err
		}
	}
	for _, held := range t.human.Held {
		switch err := svc.bring(ctx, t, d.Tag, held.Key, held.Said); {
		case errors.Is(err, handoff.ErrSessionClosed):
			t.tell(messenger.NoticeClosed, d.Tag, "")
			return nil
		case err != nil:
			return err
		}
		t.record.Release = append(t.record.Release, held.ID)
	}
	t.record.Pin = d.Tag
	t.tell(messenger.NoticePinned, d.Tag, "")
	return nil
}

// list shows the human's sessions, and those that wait for somebody to take them.
func (t *turn) list() {
	var mine, offered []string
	for i := range t.seats {
		switch s := &t.seats[i]; {
		case !s.CloseTime.IsZero():
		case s.Person == t.said.Person:
			mine = append(mine, s.Tag)
		case s.Person == "":
			offered = append(offered, s.Tag)
		}
	}
	if len(mine)+len(offered) == 0 {
		t.tell(messenger.NoticeNoSession, "", "")
		return
	}
	choices := append(t.choices(messenger.PickIt, mine), t.choices(messenger.TakeIt, offered)...)
	lines := make([]string, len(choices))
	for i, c := range choices {
		lines[i] = strings.TrimSpace(c.Label + " " + c.Detail)
	}
	t.notify("", strings.Join(lines, "\n"), choices[:min(len(choices), maxChoices)]...)
}
