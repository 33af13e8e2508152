package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"google.golang.org/protobuf/encoding/protojson"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

// eventsPath is where the agent's backend gets events. It stands at the vendor's
// door, and so has the same bad days.
const eventsPath = "/events"

// eventsStopGrace is a little less than a server that was asked to stop gives calls
// of the event webhook.
const eventsStopGrace = 4 * time.Second

// eventsSecret is what verifies events, once there is an event webhook.
var eventsSecret atomic.Pointer[standardwebhooks.Webhook]

// setWebhook lets all events go to the vendor's door. Set again, it releases what
// waits for a retry.
func (w *world) setWebhook(ctx context.Context) error {
	answer, err := w.calls(w.server.adminKey).SetEventWebhook(ctx, &handoffv1.SetEventWebhookRequest{
		AgentId: agent, Url: "http://" + w.vendor.address + eventsPath,
	})
	if err != nil || answer.GetSigningSecret() == "" {
		return err
	}
	verifier, err := standardwebhooks.NewWebhook(answer.GetSigningSecret())
	eventsSecret.Store(verifier)
	return err
}

// drainEvents waits until all events were taken.
func (w *world) drainEvents(ctx context.Context) error {
	ops := w.calls(w.server.adminKey)
	for {
		if err := w.setWebhook(ctx); err != nil {
			return err
		}
		err := within(2*time.Second, func() error {
			answer, err := ops.GetEventWebhook(ctx, &handoffv1.GetEventWebhookRequest{AgentId: agent})
			if err == nil && answer.GetEventWebhook().GetPendingSessions() > 0 {
				err = errors.New("there is more")
			}
			return err
		})
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func readEvent(r *http.Request, data []byte) (*call, error) {
	if err := eventsSecret.Load().Verify(data, r.Header); err != nil {
		return nil, err
	}
	n := new(handoffv1.EventNotification)
	if err := protojson.Unmarshal(data, n); err != nil {
		return nil, err
	}
	process, _ := r.Context().Value(processKey{}).(int)
	event := n.GetData().GetEvent()
	return &call{
		Path: eventsPath, Session: n.GetData().GetSessionId(), Key: r.Header.Get("Webhook-Id"), Process: process,
		Sequence: event.GetSequence(), Content: digest(event),
	}, nil
}

// checkPushed checks what the event webhook got of the session: the whole log in
// order, one event after the other, and again only with a reason.
func (c *checker) checkPushed() {
	var before *call
	for _, now := range c.pushed {
		c.checkEvent(now)
		switch {
		case before == nil:
			if now.Sequence != 1 {
				c.findf("webhook: begins with %d", now.Sequence)
			}
		case now.Sequence == before.Sequence:
			c.checkAgain(before, now)
		case now.Sequence != before.Sequence+1:
			c.findf("webhook: event %d came after %d", now.Sequence, before.Sequence)
		case !isSuccess(before.Status):
			c.findf("webhook: event %d came, though the answer to the one before was %d", now.Sequence, before.Status)
		case before.Process == now.Process && before.Answered > now.Arrived:
			c.findf("webhook: event %d came while %d was under way", now.Sequence, before.Sequence)
		}
		before = now
	}
	last := uint64(len(c.session.Log))
	switch {
	case before == nil || before.Sequence != last:
		c.findf("webhook: ended at %d of %d", sequenceOf(before), last)
	case !isSuccess(before.Status):
		c.findf("webhook: ended at %d of %d, and the last answer was %d", before.Sequence, last, before.Status)
	}
}

func sequenceOf(c *call) uint64 {
	if c == nil {
		return 0
	}
	return c.Sequence
}

// checkEvent checks that a call brings an event of the log.
func (c *checker) checkEvent(now *call) {
	n := now.Sequence
	if n < 1 || n > uint64(len(c.session.Log)) || c.session.Log[n-1].Content != now.Content {
		c.findf("webhook: event %d is not the one in the log", n)
	}
	if now.Key != fmt.Sprintf("%s_%d", c.session.id(), n) {
		c.findf("webhook: event %d has the id %s", n, now.Key)
	}
}

// checkAgain checks two calls for one event.
func (c *checker) checkAgain(before, now *call) {
	same := before.Process == now.Process
	pause := now.Time.Sub(before.Time.Add(before.Took))
	switch {
	case before.Status == 0, before.Took > giveUpAfter:
	case !isSuccess(before.Status):
		if same && pause < before.RetryAfter-5*time.Millisecond && now.Time.Before(c.record.Drain) {
			c.findf("webhook: event %d came again after %s, where Retry-After was %s", now.Sequence, pause, before.RetryAfter)
		}
	case same:
		c.findf("webhook: event %d was taken and came again, from the same process", now.Sequence)
	default:
		c.PushedAfterDeath++
		if c.record.Deaths[before.Process].Asked && before.Took < eventsStopGrace {
			c.findf("webhook: event %d came again after a stop that should have waited for it", now.Sequence)
		}
	}
}
