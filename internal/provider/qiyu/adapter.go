package qiyu

import (
	"context"
	"encoding/json"
	"errors"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/pieces"
)

// Adapter talks to one account.
type Adapter struct {
	client client
	config *handoffv1.QiYuConfig
	files  provider.Files
}

var (
	_ provider.Adapter = (*Adapter)(nil)
	_ provider.Queuer  = (*Adapter)(nil)
)

// nobody is a uid that no session has.
const nobody = "handoff-check"

// Check implements provider.Adapter: QiYu is asked for somebody who is not there.
func (a *Adapter) Check(ctx context.Context) error {
	_, err := a.client.ahead(ctx, nobody)
	if codeOf(err) == codeUnknownUser {
		return nil
	}
	return err
}

// progress is how far a start got, for the attempt after it.
type progress struct {
	Said int `json:"said,omitempty"` // parts of what staff read
}

// Open implements provider.Adapter. Asking again for a human goes on with the
// session that there is; nothing tells whether a message got through, so the one in
// doubt alone is written again.
func (a *Adapter) Open(ctx context.Context, c provider.Call, start handoff.Start) (handoff.Ref, error) {
	var done progress
	if c.Ref.Data != "" && json.Unmarshal([]byte(c.Ref.Data), &done) != nil {
		done = progress{}
	}
	if err := a.apply(ctx, c); err != nil {
		return handoff.Ref{}, err
	}
	if err := a.introduce(ctx, c, start); err != nil {
		return handoff.Ref{}, err
	}
	parts := opening(c.SessionID, start)
	for done.Said < len(parts) {
		if err := a.client.say(ctx, c.SessionID, typeText, parts[done.Said]); err != nil {
			return handoff.Ref{}, err
		}
		if done.Said++; done.Said < len(parts) && c.Keep != nil {
			data, _ := json.Marshal(done) // a number
			if err := c.Keep(ctx, string(data)); err != nil {
				return handoff.Ref{}, provider.Errorf(provider.ClassTransient, "keep how far the start got: %w", err)
			}
		}
	}
	return handoff.Ref{ID: c.SessionID}, nil
}

// apply asks for a human and tells who it is, or how long the queue is.
func (a *Adapter) apply(ctx context.Context, c provider.Call) error {
	got, err := a.client.post(ctx, "/event/applyStaff", a.application(c.SessionID))
	if r, refused := errors.AsType[*refusal](err); refused && r.queued() {
		return tell(ctx, c, placeOf(*r.answer.Count))
	}
	if err != nil {
		return err
	}
	if got.StaffType != nil && *got.StaffType == robot {
		return provider.Errorf(provider.ClassRejected, "QiYu gave its robot to a customer for whom a human was asked; see to it that the message interface's sessions go to staff")
	}
	return tell(ctx, c, joined(c.SessionID, string(got.SessionID), got.StaffName))
}

// application is what asks for a human. Without the type of staff it would be the
// robot who comes.
func (a *Adapter) application(uid string) map[string]any {
	body := map[string]any{"uid": uid, "staffType": human, "robotShuntSwitch": 0}
	switch {
	case a.config.GetStaffId() != 0:
		body["staffId"] = a.config.GetStaffId()
	case a.config.GetGroupId() != 0:
		body["groupId"] = a.config.GetGroupId()
	}
	if a.config.GetProductId() != "" {
		body["productId"] = a.config.GetProductId()
	}
	if a.config.GetFromTitle() != "" {
		body["fromTitle"] = a.config.GetFromTitle()
	}
	return body
}

// queued reports whether an answer tells that the customer has to wait.
func (r *refusal) queued() bool {
	if r.answer.Count == nil {
		return false
	}
	return *r.answer.Code == codeQueue || *r.answer.Code == codeOldQueue
}

// placeOf tells the place of somebody before whom so many wait.
func placeOf(ahead int32) handoff.Inbound {
	place := max(ahead, 0) + 1
	return handoff.Inbound{Key: provider.PlaceKey(place), Body: handoff.QueueMoved{Position: place}}
}

// tell has what the answer to a start tells applied. It is told here, for no push
// may tell it.
func tell(ctx context.Context, c provider.Call, in handoff.Inbound) error {
	if c.Tell == nil {
		return nil
	}
	if err := c.Tell(ctx, in); err != nil {
		return provider.Errorf(provider.ClassTransient, "apply what QiYu answered: %w", err)
	}
	return nil
}

// introduce tells who the customer is. A start does not fail because QiYu does not
// take it: staff can ask.
func (a *Adapter) introduce(ctx context.Context, c provider.Call, start handoff.Start) error {
	_, err := a.client.post(ctx, "/event/updateUInfo", map[string]any{"uid": c.SessionID, "userinfo": userInfo(c, start.Customer)})
	if codeOf(err) != 0 && provider.ClassOf(err) == provider.ClassRejected {
		return nil
	}
	return err
}

// Send implements provider.Adapter.
func (a *Adapter) Send(ctx context.Context, c provider.Call, m handoff.Message) (string, error) {
	if m.Text != "" {
		for _, piece := range pieces.Of(m.Text, maxText, pieces.UTF16) {
			if err := a.client.say(ctx, c.SessionID, typeText, piece); err != nil {
				return "", err
			}
		}
	}
	for _, attachment := range m.Attachments {
		if err := a.show(ctx, c.SessionID, attachment); err != nil {
			return "", err
		}
	}
	return "", nil
}

// Close implements provider.Adapter. QiYu knows no close by a customer: staff are
// told, and who still waits leaves the queue. To a session that is over nothing is
// said, for that would begin another.
func (a *Adapter) Close(ctx context.Context, c provider.Call, reason handoff.CloseReason) error {
	why := ending(reason)
	if why == "" {
		return nil
	}
	ahead, err := a.client.ahead(ctx, c.SessionID)
	if err == nil {
		err = a.client.say(ctx, c.SessionID, typeText, why)
	}
	if codeOf(err) == codeUnknownUser {
		return nil
	}
	if err == nil && ahead >= 0 {
		// The path comes from others than QiYu, and who does not leave is told of by what
		// was just said.
		_, _ = a.client.post(ctx, "/event/quitQueue", map[string]any{"uid": c.SessionID})
	}
	return err
}

// Place implements provider.Queuer.
func (a *Adapter) Place(ctx context.Context, c provider.Call) (int32, error) {
	ahead, err := a.client.ahead(ctx, c.SessionID)
	switch {
	case codeOf(err) == codeUnknownUser, err == nil && ahead < 0:
		return 0, nil
	case err != nil:
		return 0, err
	}
	return ahead + 1, nil
}
