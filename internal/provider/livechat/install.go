package livechat

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/human-handoff/handoff/internal/provider"
)

// wanted are the webhooks that we need; those that are optional tell who is there,
// places in the queue, and what was read.
var wanted = []string{actionEvent, actionDeactivated, actionAdded, actionRemoved, actionTransferred, actionSeen}

// maker begins the description of each webhook that we registered.
const maker = "handoff "

// registered is a webhook as it is listed: without its secret.
type registered struct {
	ID          string `json:"id"`
	URL         string `json:"url"`
	Action      string `json:"action"`
	Description string `json:"description"`
}

// Install implements provider.Installer: it registers the webhooks that are
// missing and switches them on for the license. Where the API does not let us,
// somebody has to click.
func (a *Adapter) Install(ctx context.Context) error {
	if a.cookie {
		return a.probe(ctx)
	}
	if a.deps.ReceiveURL == "" {
		return nil
	}
	var list []registered
	err := a.configure(ctx, "list_webhooks", map[string]any{"owner_client_id": a.config.GetClientId()}, &list)
	if isForbidden(err) {
		if a.config.GetWebhookSecret() != "" {
			return a.enable(ctx) // they were made by hand, with that secret
		}
		return provider.Errorf(provider.ClassIncomplete, "webhooks cannot be registered: add the scope webhooks.configuration:rw to the app and open authorize_url again, or make them in the block Chat webhooks and enter their secret key as webhook_secret")
	}
	if err != nil {
		return err
	}
	there, err := a.sift(ctx, list)
	if err != nil {
		return err
	}
	for _, action := range wanted {
		if there[action] {
			continue
		}
		if err := a.register(ctx, action, a.mark()); err != nil {
			return err
		}
	}
	return a.enable(ctx)
}

// sift returns for which actions there are webhooks to the receive URL. Those that we
// registered with another secret, or twice, are taken away.
func (a *Adapter) sift(ctx context.Context, list []registered) (there map[string]bool, err error) {
	there = map[string]bool{}
	for _, w := range list {
		switch {
		case w.URL != a.deps.ReceiveURL:
		case strings.HasPrefix(w.Description, maker) && (w.Description != a.mark() || there[w.Action]):
			if err := a.configure(ctx, "unregister_webhook", map[string]any{"id": w.ID, "owner_client_id": a.config.GetClientId()}, nil); err != nil {
				return nil, err
			}
		default:
			there[w.Action] = true
		}
	}
	return there, nil
}

// mark tells by the description of a webhook whether it has our present secret.
func (a *Adapter) mark() string {
	digest := sha256.Sum256([]byte("mark " + a.webhookSecret))
	return maker + hex.EncodeToString(digest[:4])
}

func (a *Adapter) register(ctx context.Context, action, mark string) error {
	filters := map[string]any{"only_my_chats": true}
	if action == actionEvent {
		filters["author_type"] = typeAgent
	}
	err := a.configure(ctx, "register_webhook", map[string]any{
		"url": a.deps.ReceiveURL, "action": action, "secret_key": a.webhookSecret, "owner_client_id": a.config.GetClientId(),
		"type": "license", "description": mark, "additional_data": []string{"chat_properties"}, "filters": filters,
	}, nil)
	if kindOf(err) == errLimitReached {
		return provider.Errorf(provider.ClassIncomplete, "the app has as many webhooks of %s as LiveChat allows; delete one in the block Chat webhooks, or use another app for this agent (%s)", action, kindOf(err))
	}
	return err
}

// enable switches the webhooks on for the license, where we may.
func (a *Adapter) enable(ctx context.Context) error {
	var state struct {
		Enabled bool `json:"license_webhooks_enabled"`
	}
	err := a.configure(ctx, "get_license_webhooks_state", nil, &state)
	if err == nil && !state.Enabled {
		err = a.configure(ctx, "enable_license_webhooks", nil, nil)
	}
	if isForbidden(err) {
		return nil // without the scope nobody can tell; installing the app switches them on
	}
	return err
}

func (a *Adapter) configure(ctx context.Context, action string, body, into any) error {
	return a.asAgent(ctx, "/configuration/action/"+action, body, into)
}
