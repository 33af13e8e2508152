package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// reply lets the human say what the script has for him, in its ways.
func (p *party) reply(ctx context.Context) {
	random := p.chances(70)
	var group sync.WaitGroup
	var held []func()
	for i, way := range p.Replies {
		time.Sleep(time.Duration(random.Int64N(int64(50 * time.Millisecond))))
		if ctx.Err() != nil {
			break
		}
		r := p.newReply(strconv.Itoa(i))
		say := func(who uint64) { p.say(ctx, r, p.chances(100+4*uint64(i)+who), 1+i) }
		switch way {
		case sendTwice:
			group.Go(func() { say(0); say(1) })
		case sendAtOnce:
			group.Go(func() { say(0) })
			group.Go(func() { say(1) })
		case sendSwapped:
			held = append(held, func() { say(0) })
			continue
		default:
			group.Go(func() { say(0) })
		}
		for _, late := range held {
			group.Go(late)
		}
		held = nil
	}
	for _, late := range held {
		group.Go(late)
	}
	group.Wait()
}

func (p *party) newReply(what string) *reply {
	r := &reply{Text: fmt.Sprintf("%s reply %s", p.Conversation, what)}
	p.note(func() { p.session.Human = append(p.session.Human, r) })
	return r
}

// say sends a human's message until it is answered. Equal calls have equal times.
func (p *party) say(ctx context.Context, r *reply, random *rand.Rand, stamp int) {
	body := fmt.Sprintf(`{"conversation_id":%q,"timestamp":%d,"body":%q}`, p.id, 1_700_000_000_000+stamp, r.Text)
	err := p.persist(ctx, random, func(ctx context.Context) error {
		return p.post(ctx, "/v1/human/message/receive", body)
	})
	switch status, _ := errors.AsType[*statusError](err); {
	case err == nil:
		p.note(func() { r.Taken++ })
	case status != nil && status.status == http.StatusConflict:
		p.note(func() { r.Late++ })
	default:
		p.unexpected("human's message", err)
	}
}

func (p *party) humanClose(ctx context.Context) {
	body := fmt.Sprintf(`{"conversation_id":%q,"timestamp":%d}`, p.id, 1_700_000_000_000)
	err := p.persist(ctx, p.chances(81), func(ctx context.Context) error { return p.post(ctx, "/v1/human/close", body) })
	if err != nil {
		p.unexpected("human's close", err)
		return
	}
	p.note(func() { p.session.HumanClosed++ })
}
