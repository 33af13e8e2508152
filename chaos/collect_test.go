package chaos_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

// drain waits until the vendor has all that it is owed. Each check of the
// connection releases what waits for a retry.
func (w *world) drain(ctx context.Context) error {
	ops := w.calls(w.server.adminKey)
	w.note(func() { w.record.Drain = time.Now() })
	for {
		if _, err := ops.TestProvider(ctx, &handoffv1.TestProviderRequest{AgentId: agent}); err != nil {
			return err
		}
		pause := time.NewTimer(2 * time.Second)
		for waiting := true; waiting; {
			answer, err := ops.ListDeliveries(ctx, &handoffv1.ListDeliveriesRequest{
				States: []handoffv1.DeliveryState{handoffv1.DeliveryState_DELIVERY_STATE_PENDING},
			})
			if err != nil {
				return fmt.Errorf("the vendor never got all that it is owed: %w", err)
			}
			if len(answer.GetDeliveries()) == 0 {
				return w.drainEvents(ctx)
			}
			select {
			case <-time.After(50 * time.Millisecond):
			case <-pause.C:
				waiting = false
			}
		}
	}
}

// collect asks the server for what it says of each session, and waits for the
// streams, which now have to bring all of it.
func (w *world) collect(ctx context.Context) error {
	ops := w.calls(w.server.adminKey)
	for _, s := range w.record.Sessions {
		if s.id() == "" {
			continue
		}
		log, err := logOf(ctx, ops, s.id())
		if connect.CodeOf(err) == connect.CodeNotFound {
			w.unexpected("the session that was acknowledged for "+s.Conversation, err)
			continue // with an empty log, of which the checker tells more
		}
		if err != nil {
			return err
		}
		ledger, err := ledgerOf(ctx, ops, s.id())
		if err != nil {
			return err
		}
		late, err := ops.ListLate(ctx, &handoffv1.ListLateRequest{SessionId: s.id(), PageSize: 1000})
		if err != nil {
			return err
		}
		w.note(func() {
			s.Log, s.Ledger = log, ledger
			for _, m := range late.GetLateMessages() {
				s.Late = append(s.Late, m.GetText())
			}
		})
		w.goals.Store(s.id(), uint64(len(log)))
	}
	return nil
}

func logOf(ctx context.Context, ops rpc, session string) (log []logged, err error) {
	for page := ""; ; {
		answer, err := ops.ListEvents(ctx, &handoffv1.ListEventsRequest{SessionId: session, PageSize: 1000, PageToken: page})
		if err != nil {
			return nil, err
		}
		for _, e := range answer.GetEvents() {
			log = append(log, toLogged(e))
		}
		if page = answer.GetNextPageToken(); page == "" {
			return log, nil
		}
	}
}

func toLogged(e *handoffv1.Event) logged {
	l := logged{Sequence: e.GetSequence(), Content: digest(e)}
	switch body := e.GetBody().(type) {
	case *handoffv1.Event_Message:
		m := body.Message
		l.MessageID, l.ClientID, l.Text = m.GetId(), m.GetClientMessageId(), m.GetText()
		l.Human = m.GetAuthor() == handoffv1.Author_AUTHOR_HUMAN
	case *handoffv1.Event_MessageStatus:
		l.MessageID = body.MessageStatus.GetMessageId()
		l.Status = strings.TrimPrefix(body.MessageStatus.GetStatus().String(), "MESSAGE_STATUS_")
	case *handoffv1.Event_StateChanged:
		l.State = strings.TrimPrefix(body.StateChanged.GetState().String(), "SESSION_STATE_")
		l.Reason = strings.TrimPrefix(body.StateChanged.GetCloseReason().String(), "CLOSE_REASON_")
	}
	return l
}

func ledgerOf(ctx context.Context, ops rpc, session string) (ledger []entry, err error) {
	for page := ""; ; {
		answer, err := ops.ListDeliveries(ctx, &handoffv1.ListDeliveriesRequest{SessionId: session, PageSize: 1000, PageToken: page})
		if err != nil {
			return nil, err
		}
		for _, d := range answer.GetDeliveries() {
			ledger = append(ledger, entry{
				ID: d.GetId(), MessageID: d.GetMessageId(), Attempts: int(d.GetAttempts()),
				Kind:  strings.ToLower(strings.TrimPrefix(d.GetKind().String(), "DELIVERY_KIND_")),
				State: strings.ToLower(strings.TrimPrefix(d.GetState().String(), "DELIVERY_STATE_")),
			})
		}
		if page = answer.GetNextPageToken(); page == "" {
			slices.Reverse(ledger) // the newest came first
			return ledger, nil
		}
	}
}
