package livechat

import (
	"context"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// Since implements provider.Reconciler.
func (a *Adapter) Since(ctx context.Context, c provider.Call, since time.Time) ([]handoff.Inbound, error) {
	d, err := dataOf(c)
	if err != nil {
		return nil, err
	}
	threads, person, err := a.threads(ctx, c, d)
	if err != nil {
		return nil, err
	}
	var all []handoff.Inbound
	for _, t := range threads {
		if t.ID != d.Thread && d.Thread != "" {
			continue // the session is one thread; another was begun after its end
		}
		for _, e := range t.Events {
			if e.CreatedAt.Before(since) || !person(e.AuthorID) {
				continue
			}
			if body, key, vendorID := told(c.Ref.ID, e); body != nil {
				all = append(all, handoff.Inbound{Ref: c.Ref.ID, Key: key, VendorID: vendorID, Body: body})
			}
		}
		if closed, ok := endOf(t); ok {
			all = append(all, handoff.Inbound{Ref: c.Ref.ID, Key: closeKey(c.Ref.ID, t.ID), Body: closed})
		}
	}
	return all, nil
}

// endOf tells how a thread ended; not if it did not, or if we ended it.
func endOf(t thread) (handoff.HumanClosed, bool) {
	if t.Active {
		return handoff.HumanClosed{}, false
	}
	end := ""
	for _, e := range t.Events {
		if e.Type == typeSystem {
			end = e.SystemMessageType
		}
	}
	switch end {
	case "manual_archived_customer":
		return handoff.HumanClosed{}, false
	case "manual_archived_agent":
		return handoff.HumanClosed{}, true
	default:
		return closedByItself(), true
	}
}

// threads returns the threads of a chat, and what tells its authors apart. The
// Agent Chat API knows authors by the same ids as webhooks do. The Customer Chat
// API, which is what there is without a consent or the scope, has other ids, and
// does not tell bots from people.
func (a *Adapter) threads(ctx context.Context, c provider.Call, d refData) ([]thread, func(author string) bool, error) {
	var list threadList
	if !a.cookie {
		err := a.asAgent(ctx, "/agent/action/list_threads", map[string]any{"chat_id": c.Ref.ID}, &list)
		if !isForbidden(err) {
			return list.Threads, isPerson, err
		}
	}
	if err := a.asCustomer(ctx, d.customer, "list_threads", map[string]any{"chat_id": c.Ref.ID}, &list); err != nil {
		return nil, nil, err
	}
	var chat struct {
		Users []user `json:"users"`
	}
	if err := a.asCustomer(ctx, d.customer, "get_chat", map[string]any{"chat_id": c.Ref.ID}, &chat); err != nil {
		return nil, nil, err
	}
	agents := map[string]bool{}
	for _, u := range chat.Users {
		agents[u.ID] = u.Type == typeAgent
	}
	return list.Threads, func(author string) bool { return agents[author] }, nil
}
