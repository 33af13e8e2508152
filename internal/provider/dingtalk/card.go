package dingtalk

import (
	"context"
	"net/http"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/briefing"
	"github.com/human-handoff/handoff/internal/provider/messenger"
	"github.com/human-handoff/handoff/internal/provider/pieces"
)

const (
	pathDeal = "/v1.0/card/instances/createAndDeliver"
	pathCard = "/v1.0/card/instances"

	cardPrefix = "handoff-"
	maxOnCard  = 500
)

// The states that a card shows, by its variable of that name.
const (
	cardOpen   = "open"
	cardClosed = "closed"
)

// cardID is what we call a session's card: the tag is all that its buttons need.
func cardID(c provider.Call) string { return cardPrefix + c.Seat.Tag + "-" + c.SessionID }

// tagOf is the reverse of cardID; empty for a card that is not ours.
func tagOf(cardID string) string {
	rest, ours := strings.CutPrefix(cardID, cardPrefix)
	if !ours {
		return ""
	}
	tag, _, _ := strings.Cut(rest, "-")
	return tag
}

// deal puts a session's card into the group, after a number of messages. A card that
// DingTalk refuses for good is done without: everything can be typed, too.
func (a *Adapter) deal(ctx context.Context, c provider.Call, start handoff.Start, after int) error {
	if len(c.Seat.Earlier[a.group]) > after {
		return nil
	}
	id := cardID(c)
	err := a.do(ctx, http.MethodPost, pathDeal, map[string]any{
		"cardTemplateId": a.template, "outTrackId": id, "userIdType": 1, "callbackType": "STREAM",
		"cardData": map[string]any{"cardParamMap": map[string]string{
			"title": header(c.Seat.Tag, start.Customer.Name), "text": pieces.First(oneLine(briefing.First(start)), maxOnCard, pieces.Characters), "state": cardOpen,
		}},
		"openSpaceId":             "dtv1.card//IM_GROUP." + a.group,
		"imGroupOpenSpaceModel":   map[string]any{"supportForward": false},
		"imGroupOpenDeliverModel": map[string]any{"robotCode": a.robot},
	}, nil)
	if err != nil && provider.ClassOf(err) != provider.ClassRejected {
		return err
	}
	c.Seat.Noted(a.group, id)
	return nil
}

// fold has a card show that its session is over.
func (a *Adapter) fold(ctx context.Context, id string) error {
	err := a.do(ctx, http.MethodPut, pathCard, map[string]any{
		"outTrackId": id, "cardData": map[string]any{"cardParamMap": map[string]string{"state": cardClosed}},
		"cardUpdateOptions": map[string]any{"updateCardDataByKey": true},
	}, nil)
	if provider.ClassOf(err) == provider.ClassRejected {
		return nil // it is gone, or never was
	}
	return err
}

// orders are what the buttons of a card stand for, by the ids of their actions.
var orders = map[string]messenger.Command{
	"take": messenger.TakeIt, "pass": messenger.PassIt, "close": messenger.CloseIt, "pick": messenger.PickIt,
}
