package switchboard

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/messenger"
)

const (
	// noticeFor is how long a notice is tried: later it would only confuse.
	noticeFor = time.Hour
	// noticePause is how long the first pause after a failure is; each next one is
	// twice as long, up to maxNoticePause.
	noticePause    = 2 * time.Second
	maxNoticePause = 5 * time.Minute
	noticeBatch    = 64
	noticeCalls    = 8
	// storePause is how long a store that fails is left alone.
	storePause = time.Second
)

// Nudge has what is due looked for.
func (svc *Service) Nudge() {
	select {
	case svc.nudge <- struct{}{}:
	default:
	}
}

// Run tells humans what they have to be told, and drops what was held too long,
// until ctx is done. It sleeps until something is due.
func (svc *Service) Run(ctx context.Context) {
	for ctx.Err() == nil {
		pause, err := svc.round(ctx)
		if err != nil && ctx.Err() == nil {
			svc.log.ErrorContext(ctx, "switchboard.round", slog.Any("error", err))
			pause = storePause
		}
		alarm := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-svc.nudge:
		case <-alarm.C:
		}
		alarm.Stop()
	}
}

// round does what is due and returns how long nothing else will be.
func (svc *Service) round(ctx context.Context) (time.Duration, error) {
	now := svc.now()
	if err := svc.dropHeld(ctx, now); err != nil {
		return 0, err
	}
	due, next, err := svc.store.Notices(ctx, now, noticeBatch)
	if err != nil {
		return 0, err
	}
	if len(due) > 0 {
		svc.tellAll(ctx, due)
		return 0, nil
	}
	if next.IsZero() {
		return time.Hour, nil
	}
	return max(0, next.Sub(now)), nil
}

// tellAll tells each human what is due, in its order.
func (svc *Service) tellAll(ctx context.Context, due []Notice) {
	lines := map[string][]Notice{}
	for _, n := range due {
		line := n.ConnectionID + "\x00" + n.Notice.Person
		lines[line] = append(lines[line], n)
	}
	permits := make(chan struct{}, noticeCalls)
	var running sync.WaitGroup
	for _, line := range lines {
		permits <- struct{}{}
		running.Go(func() {
			defer func() { <-permits }()
			for _, n := range line {
				if !svc.tellOne(ctx, n) {
					return
				}
			}
		})
	}
	running.Wait()
}

// tellOne tells a human one thing. It reports false when it has to be tried again.
func (svc *Service) tellOne(ctx context.Context, n Notice) bool {
	told, err := svc.call(ctx, n)
	if err != nil && ctx.Err() != nil {
		return false // broken off by us
	}
	ctx = context.WithoutCancel(ctx) // what was told must not be told again
	svc.noteTold(ctx, n, told)
	again := err != nil && provider.ClassOf(err) != provider.ClassRejected && svc.now().Sub(n.CreateTime) < noticeFor
	if err != nil {
		svc.log.WarnContext(ctx, "switchboard.tell", slog.String("connection_id", n.ConnectionID), slog.Int64("notice", n.ID),
			slog.Bool("again", again), slog.Any("error", err))
	}
	if again {
		pause := min(maxNoticePause, noticePause<<min(n.Attempts, 10))
		err = svc.store.TellLater(ctx, n.ID, svc.now().Add(max(provider.WaitOf(err), pause/2+rand.N(pause))))
	} else {
		err = svc.store.Told(ctx, n.ID)
	}
	if err != nil {
		svc.log.ErrorContext(ctx, "switchboard.told", slog.Int64("notice", n.ID), slog.Any("error", err))
	}
	return !again && err == nil
}

// noticeKey begins the idempotency keys of notices.
const noticeKey = "notice-"

// heardFor is for how long it is known when a human said something last.
const heardFor = 48 * time.Hour

// call has a human told something, and returns the vendor's ids of it.
func (svc *Service) call(ctx context.Context, n Notice) ([]string, error) {
	m, err := svc.connections.Messenger(ctx, n.ConnectionID)
	if err != nil || m == nil {
		return nil, err
	}
	heard, err := svc.store.Heard(ctx, n.ConnectionID, svc.now().Add(-heardFor))
	if err != nil {
		return nil, err
	}
	n.Notice.Heard = heard[n.Notice.Person]
	n.Notice.IdempotencyKey = noticeKey + strconv.FormatInt(n.ID, 10)
	return m.Tell(ctx, n.Notice)
}

// noteTold remembers what was written about a session, for humans quote that, too.
func (svc *Service) noteTold(ctx context.Context, n Notice, vendorIDs []string) {
	if n.Notice.SessionID == "" {
		return
	}
	delivery := ""
	if n.Notice.Person == provider.Everybody {
		delivery = noticeKey + strconv.FormatInt(n.ID, 10) // it is an offer, which is taken back some day
	}
	for _, id := range vendorIDs {
		err := svc.store.Note(ctx, n.ConnectionID, n.Notice.SessionID, delivery, Message{n.Notice.Person, id}, svc.now())
		if err != nil {
			svc.log.ErrorContext(ctx, "switchboard.note", slog.Int64("notice", n.ID), slog.Any("error", err))
		}
	}
}

// told deals with what became of something that we wrote to a human. It may come
// before the answer to the call that wrote it, or instead of it.
func (svc *Service) told(ctx context.Context, connectionID, sessionID, vendorID string, told handoff.PersonTold) error {
	notice, isNotice := strings.CutPrefix(told.Delivery, noticeKey)
	if id, err := strconv.ParseInt(notice, 10, 64); isNotice && err == nil {
		if err := svc.store.Told(ctx, id); err != nil {
			return err
		}
	}
	if sessionID == "" {
		return nil
	}
	if told.Barred {
		return svc.offerBarred(ctx, connectionID, sessionID, vendorID, told.Person)
	}
	delivery := told.Delivery
	if isNotice {
		delivery = ""
	}
	return svc.store.Note(ctx, connectionID, sessionID, delivery, Message{told.Person, vendorID}, svc.now())
}

// offerBarred offers a session to a human who could not be told of it, in the way
// in which they can: once they take it, they are told all of it.
func (svc *Service) offerBarred(ctx context.Context, connectionID, sessionID, vendorID, person string) error {
	key := "barred:" + vendorID
	if known, err := svc.store.Handled(ctx, connectionID, key); err != nil || known {
		return err
	}
	t := &turn{connectionID: connectionID, now: svc.now(), said: Said{PersonSaid: handoff.PersonSaid{Person: person}}}
	t.record = Record{ConnectionID: connectionID, Key: key, Time: t.now}
	var err error
	if t.seats, err = svc.store.Seats(ctx, connectionID, t.now); err != nil {
		return err
	}
	for i := range t.seats {
		seat := &t.seats[i]
		if seat.SessionID != sessionID || !seat.CloseTime.IsZero() || seat.Person != "" && seat.Person != person {
			continue
		}
		t.notify(sessionID, seat.offer(), t.choices(messenger.TakeIt, []string{seat.Tag})...)
		t.record.Notices[len(t.record.Notices)-1].Notice.Barred = true
	}
	if err := svc.store.Record(ctx, t.record); err != nil {
		return err
	}
	svc.Nudge()
	return nil
}

const (
	// strangerRests is how long a stranger gets no second answer, whatever they say:
	// they may be a program that answers everything.
	strangerRests = 24 * time.Hour
	// maxHeard is how many people are heard in that time before strangers get no
	// answer at all: each may have its price.
	maxHeard = 500
)

// stranger answers somebody who is none of the desk's humans.
func (svc *Service) stranger(ctx context.Context, connectionID, key string, said Said) error {
	now := svc.now()
	heard, err := svc.store.Heard(ctx, connectionID, now.Add(-strangerRests))
	if err != nil || !heard[said.Person].IsZero() || len(heard) >= maxHeard {
		return err
	}
	t := &turn{connectionID: connectionID, said: said, now: now}
	t.record = Record{ConnectionID: connectionID, Person: said.Person, Key: key, Time: now}
	t.tell(messenger.NoticeStranger, "", "")
	t.record.Notices[0].Notice.Stranger = true
	if err := svc.store.Record(ctx, t.record); err != nil {
		return err
	}
	svc.Nudge()
	return nil
}

// dropHeld gives up what was held too long, and tells its authors.
func (svc *Service) dropHeld(ctx context.Context, now time.Time) error {
	humans, err := svc.store.HeldSince(ctx, now.Add(-HeldFor))
	if err != nil {
		return err
	}
	for _, h := range humans {
		if len(h.Held) == 0 {
			continue
		}
		said := h.Held[0].Said
		t := &turn{connectionID: h.ConnectionID, said: Said{PersonSaid: handoff.PersonSaid{Person: h.Person, Name: said.Name, Locale: said.Locale}, VendorID: said.VendorID}}
		t.record = Record{ConnectionID: h.ConnectionID, Person: h.Person, Time: now}
		for _, held := range h.Held {
			t.record.Release = append(t.record.Release, held.ID)
		}
		t.tell(messenger.NoticeDropped, "", "")
		if err := svc.store.Record(ctx, t.record); err != nil {
			return err
		}
	}
	return nil
}
