package zendesk

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

const headerKey = "X-Api-Key"

// The events that tell us something. All others are ignored.
const (
	eventMessage = "conversation:message"
	eventRelease = "switchboard:releaseControl"
	eventPass    = "switchboard:passControl"
	eventTyping  = "conversation:typing"
)

// What somebody does who types.
const (
	typingStart = "typing:start"
	typingStop  = "typing:stop"
)

// Verify implements provider.Adapter. Zendesk signs nothing: its key is in each call.
// Hashes are compared, so that the time it takes tells nothing of the key.
func (a *Adapter) Verify(r provider.Request) error {
	given := r.Header.Get(headerKey)
	sum, want := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(a.webhookKey))
	if r.Method != http.MethodPost || given == "" || subtle.ConstantTimeCompare(sum[:], want[:]) != 1 {
		return errors.New("X-API-Key is not the webhook's; is webhook_key the shared secret of the integration that sends this?")
	}
	return nil
}

// Strip implements provider.Stripper.
func (a *Adapter) Strip(r provider.Request) provider.Request {
	r.Header = r.Header.Clone()
	r.Header.Del(headerKey)
	return r
}

// Parse implements provider.Adapter. Zendesk tells of all conversations of the app,
// and sends nothing again that was answered with 4xx, so the answer is always 200.
func (a *Adapter) Parse(r provider.Request) (provider.Reply, []handoff.Inbound, error) {
	reply := provider.Reply{Status: http.StatusOK, Always: true}
	var n notification
	if trimmed := bytes.TrimLeft(r.Body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' || json.Unmarshal(r.Body, &n) != nil || n.Events == nil {
		return provider.Reply{}, nil, handoff.Errorf(handoff.CodeInvalid, "INVALID_BODY", "the body has to be the JSON object of events")
	}
	if n.App.ID != "" && n.App.ID != a.appID {
		return reply, nil, nil // a webhook of another app with our key
	}
	var all []handoff.Inbound
	for i := range n.Events {
		all = append(all, a.told(&n.Events[i])...)
	}
	return reply, all, nil
}
