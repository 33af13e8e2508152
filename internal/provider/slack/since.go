package slack

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// maxIntroduced is how many people's names are asked for at once.
const maxIntroduced = 5

// Since implements provider.Reconciler. Buttons leave no trace in a thread: who
// pressed one in vain presses it again.
func (a *Adapter) Since(ctx context.Context, c provider.Call, since time.Time) ([]handoff.Inbound, error) {
	channel, thread, err := threadOf(c)
	if err != nil {
		return nil, err
	}
	all, err := a.client.said(ctx, channel, thread, since)
	if err != nil {
		return nil, unlessGone(err)
	}
	from := timestamp(since)
	var replies []message
	for _, m := range all {
		m.Channel = channel // which is not told here
		if isReply(m) && m.TS >= from {
			replies = append(replies, m)
		}
	}
	slices.SortFunc(replies, func(x, y message) int { return strings.Compare(x.TS, y.TS) })
	names := a.introduced(ctx, replies)
	var told []handoff.Inbound
	for _, m := range replies {
		told = append(told, a.replyTold(m, names)...)
	}
	return told, nil
}

// introduced returns the names of the people in messages, as far as they are told.
func (a *Adapter) introduced(ctx context.Context, replies []message) map[string]string {
	names := map[string]string{}
	for _, m := range replies {
		for _, id := range peopleOf(m) {
			if _, asked := names[id]; asked || len(names) == maxIntroduced {
				continue
			}
			name, err := a.client.name(ctx, id)
			if err != nil {
				name = "" // they are heard all the same
			}
			names[id] = name
		}
	}
	return names
}

// Name implements provider.Introducer.
func (a *Adapter) Name(ctx context.Context, id string) (string, error) {
	return a.client.name(ctx, id)
}
