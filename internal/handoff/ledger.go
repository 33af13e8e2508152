package handoff

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Errors of RetryDelivery.
var (
	// ErrDeliveryNotFound says that no delivery has an id.
	ErrDeliveryNotFound = &Error{Code: CodeNotFound, Reason: "DELIVERY_NOT_FOUND", Message: "there is no delivery with this id; copy it from ListDeliveries"}

	// ErrDeliveryNotFailed says that a delivery is not in the state in which it can be sent again.
	ErrDeliveryNotFailed = &Error{Code: CodePrecondition, Reason: "DELIVERY_NOT_FAILED", Message: "only a FAILED delivery can be sent again; this one is on its way or has arrived"}
)

// fail notes a failed attempt in the log of its delivery.
func (s *Session) fail(d Delivery, class, detail string, now time.Time) {
	if len(detail) > maxFailureText {
		end := maxFailureText
		for end > 0 && !utf8.RuneStart(detail[end]) {
			end--
		}
		detail = detail[:end] + "…"
	}
	s.changes.Failures = append(s.changes.Failures, FailedAttempt{
		DeliveryID: d.ID, Number: d.Attempts, Time: now, Class: class, Detail: detail,
	})
}

// Retry puts a failed delivery back into the lane, with the key that it had. It
// keeps its place in the order of acceptance: it goes out before everything
// accepted after it that has not gone out yet. What went out meanwhile has
// overtaken it. The log takes no event: how it ends will be one.
func (s *Session) Retry(d Delivery, now time.Time) error {
	switch {
	case d.State != DeliveryFailed:
		return ErrDeliveryNotFailed
	case d.Kind == DeliverStart && s.State == StateClosed:
		return Errorf(CodePrecondition, "SESSION_CLOSED", "the session was closed because the provider did not take its start, so it cannot begin any more; request a new handoff")
	case d.Kind != DeliverStart && s.Ref.ID == "":
		return Errorf(CodePrecondition, "SESSION_NEVER_STARTED", "the provider never took this session, so there is no conversation there for this to go to; request a new handoff")
	}
	d.State, d.RetryTime = DeliveryPending, now
	d.NextAttempt, d.SettleTime = time.Time{}, time.Time{}
	s.changes.Retried = append(s.changes.Retried, d)
	return nil
}

// DroppedFailure bounds the log of a delivery: when an attempt is noted, the one
// that this returns makes room; 0 = none.
func DroppedFailure(number int) (dropped int) {
	if number <= FirstFailures+LastFailures {
		return 0
	}
	return number - LastFailures
}

// LeftOut returns how many failed attempts of a delivery its log does not hold: those
// between the first and the last ones, and those of a time before there was a log.
func (d *AgentDelivery) LeftOut() int {
	failed := d.Attempts
	if d.State == DeliveryDelivered || d.State == DeliveryRead {
		failed--
	}
	return max(0, failed-len(d.Log))
}

// Detailed reports whether a filter asks for one session or one delivery. Then
// deliveries come with the log of their failed attempts.
func (f *DeliveryFilter) Detailed() bool { return f.SessionID != "" || f.MessageID != "" }

// byDeliveryKey selects the delivery with an idempotency key, which is what the
// API calls its id.
func byDeliveryKey(key string) DeliveryFilter {
	if at := strings.LastIndexByte(key, '-'); at > 0 {
		kind := DeliveryKind(key[at+1:])
		if slices.Contains([]DeliveryKind{DeliverStart, DeliverClose}, kind) {
			return DeliveryFilter{SessionID: key[:at], Kinds: []DeliveryKind{kind}}
		}
	}
	return DeliveryFilter{MessageID: key}
}

// RetryDelivery has a failed delivery sent again and returns it as it waits now.
func (svc *Service) RetryDelivery(ctx context.Context, key string) (AgentDelivery, error) {
	d, err := svc.deliveryByKey(ctx, key)
	if err != nil {
		return AgentDelivery{}, err
	}
	now := svc.now()
	_, err = svc.update(ctx, d.SessionID, "", func(s *Session) error { return s.Retry(d.Delivery, now) })
	if err != nil {
		return AgentDelivery{}, err
	}
	return svc.deliveryByKey(ctx, key)
}

func (svc *Service) deliveryByKey(ctx context.Context, key string) (AgentDelivery, error) {
	if key == "" {
		return AgentDelivery{}, ErrDeliveryNotFound
	}
	list, _, err := svc.store.Deliveries(ctx, byDeliveryKey(key), Page{Size: 1})
	if err != nil {
		return AgentDelivery{}, err
	}
	if len(list) == 0 {
		return AgentDelivery{}, ErrDeliveryNotFound
	}
	return list[0], nil
}

// Deliveries lists deliveries, the newest first.
func (svc *Service) Deliveries(ctx context.Context, f DeliveryFilter, p Page) ([]AgentDelivery, string, error) {
	return svc.store.Deliveries(ctx, f, p)
}
