package chatwoot

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

const (
	headerSignature = "X-Chatwoot-Signature"
	headerTimestamp = "X-Chatwoot-Timestamp"
	// maxAge is how old a webhook, or how far ahead of us its clock, may be.
	maxAge = 5 * time.Minute
)

// The events that tell us something. All others are ignored, among them those of
// what we did ourselves.
const (
	eventMessage = "message_created"
	eventStatus  = "conversation_status_changed"
	eventUpdated = "conversation_updated"
	eventTyping  = "conversation_typing_on"
	eventResting = "conversation_typing_off"
)

// Verify implements provider.Adapter. Without a secret, which versions before 4.13
// do not have and which therefore has to be allowed, only the receive URL tells.
func (a *Adapter) Verify(r provider.Request) error {
	if r.Method != http.MethodPost {
		return errors.New("Chatwoot sends POST alone") //nolint:staticcheck // a name
	}
	if a.secret == "" {
		return nil
	}
	stamp := strings.TrimSpace(r.Header.Get(headerTimestamp))
	if !scheme.Verify(r.Header.Get(headerSignature), []string{a.secret}, []byte(stamp), []byte("."), r.Body) {
		return errors.New("X-Chatwoot-Signature does not match; is webhook_secret the secret of this inbox, not its HMAC token? Versions before 4.13 do not sign: see allow_unsigned")
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return errors.New("X-Chatwoot-Timestamp is no time")
	}
	if off := r.Time.Sub(time.Unix(seconds, 0)); off > maxAge || off < -maxAge {
		return errors.New("the webhook was signed more than five minutes ago or ahead; are both clocks right?")
	}
	return nil
}

// Parse implements provider.Adapter. An agent whose message cannot be taken, above
// all because the session is over, has to learn of it: Chatwoot marks it as failed
// when the answer is a refusal. Of anything else that is not ours nobody has to.
func (a *Adapter) Parse(r provider.Request) (provider.Reply, []handoff.Inbound, error) {
	reply := provider.Reply{Status: http.StatusOK, Always: true}
	n, err := notificationOf(r.Body)
	if err != nil {
		return provider.Reply{}, nil, err
	}
	if n.Account.ID != "" && string(n.Account.ID) != strconv.FormatInt(a.accountID, 10) {
		return reply, nil, nil // a webhook of another account with our address
	}
	switch n.Event {
	case eventMessage:
		inbound, err := messageTold(r.Body)
		reply.Always = len(inbound) == 0
		return reply, inbound, err
	case eventStatus, eventUpdated:
		var e conversationEvent
		if json.Unmarshal(r.Body, &e) != nil || e.ID == "" {
			return provider.Reply{}, nil, invalid("%s without a conversation", n.Event)
		}
		return reply, e.tells(n.Event), nil
	case eventTyping, eventResting:
		inbound, err := typingTold(n.Event, r.Body)
		return reply, inbound, err
	default:
		return reply, nil, nil
	}
}

func notificationOf(body []byte) (n notification, err error) {
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' || json.Unmarshal(body, &n) != nil {
		return n, invalid("the body has to be the JSON object of an event")
	}
	if n.Event == "" {
		return n, invalid("the event has no name")
	}
	return n, nil
}

func messageTold(body []byte) ([]handoff.Inbound, error) {
	var e messageEvent
	if json.Unmarshal(body, &e) != nil || e.ID == "" || e.conversationID() == "" {
		return nil, invalid("%s without a message and its conversation", eventMessage)
	}
	return said(e.conversationID(), e.message), nil
}

func invalid(format string, args ...any) error {
	return handoff.Errorf(handoff.CodeInvalid, "INVALID_BODY", format, args...)
}
