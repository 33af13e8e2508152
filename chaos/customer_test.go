package chaos_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"connectrpc.com/connect"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

// party is one session with all who take part in it.
type party struct {
	*world
	script

	number  int
	session *session
	id      string
	token   string
}

// random returns a source of chances for one who takes part, the same for the same seed.
func (p *party) chances(who uint64) *rand.Rand {
	return rand.New(rand.NewPCG(p.plan.Seed, uint64(p.number)<<16|who<<1|1))
}

// customers keeps a number of sessions going until it is time to stop.
func (w *world) customers(ctx context.Context, count int) {
	var group sync.WaitGroup
	numbers := make(chan int)
	for range count {
		group.Go(func() {
			for n := range numbers {
				w.hold(ctx, n)
			}
		})
	}
	for n := 0; ; n++ {
		select {
		case numbers <- n:
			continue
		case <-w.stopping.Done():
		}
		close(numbers)
		group.Wait()
		return
	}
}

// hold holds one session from its request to its end.
func (w *world) hold(ctx context.Context, number int) {
	p := &party{world: w, script: newScript(w.plan.Seed, number), number: number}
	p.session = &session{Conversation: p.Conversation, Streams: make([][]seen, p.Streams)}
	w.note(func() { w.record.Sessions = append(w.record.Sessions, p.session) })
	if !p.request(ctx) {
		return
	}
	for i := range p.Streams {
		w.readers.Go(func() { p.follow(ctx, i) })
	}
	var group sync.WaitGroup
	for i := range p.Writers {
		group.Go(func() { p.write(ctx, i) })
	}
	spoken := make(chan struct{})
	go func() { defer close(spoken); p.reply(ctx) }()
	if p.End == endHuman { // while the customer still writes
		<-spoken
		p.humanClose(ctx)
	}
	group.Wait()
	if p.End == endCustomer { // while the human still writes
		p.close(ctx)
	}
	<-spoken
	if p.End != endOpen {
		for i := range p.LateReplies {
			p.say(ctx, p.newReply("late "+strconv.Itoa(i)), p.chances(90), 1+i)
		}
	}
}

// request asks for the human, and sometimes once more.
func (p *party) request(ctx context.Context) bool {
	random := p.chances(0)
	for range 1 + random.IntN(2) {
		err := p.persist(ctx, random, func(ctx context.Context) error {
			answer, err := p.calls(p.server.adminKey).RequestHandoff(ctx, &handoffv1.RequestHandoffRequest{
				AgentId: agent, ConversationId: p.Conversation, RequestId: p.Conversation, Question: "A human for " + p.Conversation,
			})
			if err != nil {
				return err
			}
			if answer.GetSession() == nil {
				return connect.NewError(connect.CodeUnknown, fmt.Errorf("declined: %v", answer.GetDeclined()))
			}
			p.id, p.token = answer.GetSession().GetId(), answer.GetSessionToken()
			p.note(func() { p.session.IDs = append(p.session.IDs, p.id) })
			return nil
		})
		if err != nil {
			p.unexpected("RequestHandoff", err)
			return false
		}
	}
	return true
}

// write sends one writer's messages, each when the one before was acknowledged.
func (p *party) write(ctx context.Context, writer int) {
	random := p.chances(uint64(1 + writer))
	calls := p.calls(p.token)
	for n := range p.Messages {
		if p.stopping.Err() != nil {
			return
		}
		p.pace(ctx)
		m := &sent{Writer: writer, ClientID: fmt.Sprintf("%d-%d", writer, n), Text: fmt.Sprintf("%s writer %d message %d", p.Conversation, writer, n)}
		dice := random.IntN(100)
		if dice < 2 {
			m.Refused, m.Text = true, refuseWord+" "+m.Text
		}
		if dice >= 90 {
			m.ClientID = ""
		}
		p.note(func() { p.session.Sent = append(p.session.Sent, m) })
		send := func(ctx context.Context) error {
			answer, err := calls.SendMessage(ctx, &handoffv1.SendMessageRequest{SessionId: p.id, ClientMessageId: m.ClientID, Text: m.Text})
			if err == nil {
				p.note(func() { m.IDs = append(m.IDs, answer.GetMessage().GetId()) })
			}
			return err
		}
		if !p.send(ctx, random, m, send) {
			return
		}
	}
}

// send sends one message until it is answered, and sometimes again after that.
func (p *party) send(ctx context.Context, random *rand.Rand, m *sent, send func(context.Context) error) bool {
	if m.ClientID == "" {
		err := p.once(ctx, callLimit, send)
		switch {
		case err == nil:
			p.acknowledged.Add(1)
		case connect.CodeOf(err) == connect.CodeFailedPrecondition:
			p.note(func() { m.Closed = true })
			return false
		default:
			p.note(func() { m.Denied = nothingStored[reasonOf(err)] })
		}
		return ctx.Err() == nil
	}
	err := p.persist(ctx, random, send)
	if connect.CodeOf(err) == connect.CodeFailedPrecondition {
		p.note(func() { m.Closed = true })
		return false
	}
	if err != nil {
		p.unexpected("SendMessage", err)
		return false
	}
	p.acknowledged.Add(1)
	if random.IntN(50) == 0 {
		if err := p.persist(ctx, random, send); err != nil {
			p.unexpected("SendMessage again", err)
		}
	}
	return true
}

// nothingStored are the reasons whose text says that nothing was stored.
var nothingStored = map[string]bool{
	"DISK_FULL": true, "DATABASE_BUSY": true, "DATABASE_UNAVAILABLE": true, "DATABASE_STUCK": true, "STORE_OVERLOADED": true,
}

// pace waits a little when the vendor is far behind.
func (p *party) pace(ctx context.Context) {
	for range 100 {
		if p.acknowledged.Load()-int64(p.vendor.done()) < maxBacklog || ctx.Err() != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (p *party) close(ctx context.Context) {
	err := p.persist(ctx, p.chances(80), func(ctx context.Context) error {
		_, err := p.calls(p.token).CloseSession(ctx, &handoffv1.CloseSessionRequest{SessionId: p.id})
		return err
	})
	if err != nil {
		p.unexpected("CloseSession", err)
		return
	}
	p.note(func() { p.session.Closed++ })
}
