package livechat

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/provider"
)

// appPath is where webhooks about the app may come, below the receive URL.
const appPath = "/app"

// webhookSecret is the secret of the webhooks that we register, unless there is a
// configured one. It follows from the client secret, so that it has to be kept
// nowhere and is another with another client secret. Without either there is none:
// then the secret part of the receive URL is the only guard.
func webhookSecret(c *handoffv1.LiveChatConfig) string {
	if c.GetWebhookSecret() != "" || c.GetClientSecret() == "" {
		return c.GetWebhookSecret()
	}
	mac := hmac.New(sha256.New, []byte(c.GetClientSecret()))
	mac.Write([]byte("handoff livechat webhooks v1 " + c.GetOrganizationId()))
	return hex.EncodeToString(mac.Sum(nil))
}

// Verify implements provider.Adapter. LiveChat puts the secret into the body, and
// nothing says when a webhook was sent; the keys of what it tells make a repeat
// count for nothing.
func (a *Adapter) Verify(r provider.Request) error {
	if r.Method != http.MethodPost {
		return errors.New("webhooks come by POST")
	}
	if r.Path == appPath {
		var e appEvent
		if json.Unmarshal(r.Body, &e) != nil || e.ClientID != a.config.GetClientId() || e.OrganizationID != a.config.GetOrganizationId() {
			return errors.New("this is not about the app of this connection")
		}
		return nil
	}
	var e struct {
		SecretKey      string `json:"secret_key"`
		OrganizationID string `json:"organization_id"`
	}
	if json.Unmarshal(r.Body, &e) != nil {
		return errors.New("the body is not the JSON object of a chat webhook, so there is no secret_key in it")
	}
	given, ours := sha256.Sum256([]byte(e.SecretKey)), sha256.Sum256([]byte(a.webhookSecret))
	if a.webhookSecret != "" && subtle.ConstantTimeCompare(given[:], ours[:]) != 1 {
		return errors.New("secret_key does not match; is it the one that was entered as webhook_secret?")
	}
	if e.OrganizationID != a.config.GetOrganizationId() {
		return errors.New("the webhook is of another organization")
	}
	return nil
}

// Strip implements provider.Stripper.
func (a *Adapter) Strip(r provider.Request) provider.Request {
	var fields map[string]json.RawMessage
	if json.Unmarshal(r.Body, &fields) == nil && fields != nil {
		delete(fields, "secret_key")
		if body, err := json.Marshal(fields); err == nil {
			r.Body = body
		}
	}
	if a.webhookSecret != "" { // wherever else it stands
		r.Body = bytes.ReplaceAll(r.Body, []byte(a.webhookSecret), nil)
	}
	return r
}
