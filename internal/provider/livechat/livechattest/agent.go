package livechattest

import (
	"cmp"
	"net/http"
	"slices"
)

// webhook is one that was registered.
type webhook struct {
	ID          string         `json:"id"`
	URL         string         `json:"url"`
	Action      string         `json:"action"`
	Description string         `json:"description,omitempty"`
	Owner       string         `json:"owner_client_id"`
	Type        string         `json:"type"`
	Filters     map[string]any `json:"filters,omitempty"`
	Additional  []string       `json:"additional_data,omitempty"`

	secret string
}

// maxWebhooks is how many of one action a client may have.
const maxWebhooks = 3

const scopeConfigure, scopeState = "webhooks.configuration:rw", "webhooks.state:rw"

func (e *Emulator) agentActions() map[string]action {
	return map[string]action{
		"agent/action/list_threads":                       {"chats--all:ro", e.threadsForAgents},
		"configuration/action/list_webhooks":              {scopeConfigure, e.listWebhooks},
		"configuration/action/register_webhook":           {scopeConfigure, e.registerWebhook},
		"configuration/action/unregister_webhook":         {scopeConfigure, e.unregisterWebhook},
		"configuration/action/get_license_webhooks_state": {scopeState, e.webhooksState},
		"configuration/action/enable_license_webhooks":    {scopeState, e.enableWebhooks},
	}
}

func (e *Emulator) threadsForAgents(r *http.Request, body []byte) (any, error) {
	var given chatBody
	if err := decode(r, body, &given); err != nil {
		return nil, err
	}
	found := e.chatByID(given.ChatID)
	if found == nil {
		return nil, refusal{http.StatusNotFound, "not_found", "Chat not found", nil}
	}
	return map[string]any{"threads": e.show(found, false), "found_threads": len(found.threads)}, nil
}

type ownerBody struct {
	ID    string `json:"id"`
	Owner string `json:"owner_client_id"`
}

func (e *Emulator) owned(r *http.Request, body []byte) (ownerBody, error) {
	var given ownerBody
	if err := decode(r, body, &given); err != nil {
		return given, err
	}
	if given.Owner != e.ClientID {
		return given, refusal{http.StatusForbidden, "authorization", "owner_client_id is not the app's", nil}
	}
	return given, nil
}

func (e *Emulator) listWebhooks(r *http.Request, body []byte) (any, error) {
	if _, err := e.owned(r, body); err != nil {
		return nil, err
	}
	if e.webhooks == nil {
		return []any{}, nil
	}
	return e.webhooks, nil
}

func (e *Emulator) registerWebhook(r *http.Request, body []byte) (any, error) {
	var given struct {
		webhook

		SecretKey string `json:"secret_key"`
	}
	if err := decode(r, body, &given); err != nil {
		return nil, err
	}
	if given.Owner != e.ClientID {
		return nil, refusal{http.StatusForbidden, "authorization", "owner_client_id is not the app's", nil}
	}
	if err := given.check(); err != nil || given.SecretKey == "" {
		return nil, cmp.Or(err, invalid("`secret_key` is required"))
	}
	same := 0
	for _, w := range e.webhooks {
		if w.Action == given.Action {
			same++
		}
	}
	if same >= maxWebhooks {
		return nil, refusal{http.StatusConflict, "limit_reached", "Too many webhooks of this action", nil}
	}
	made := given.webhook
	made.ID, made.secret = hexadecimal(12), given.SecretKey
	e.webhooks = append(e.webhooks, &made)
	return map[string]any{"id": made.ID}, nil
}

func (w *webhook) check() error {
	_, byAuthor := w.Filters["author_type"]
	switch {
	case w.ID != "" || w.URL == "" || len(w.URL) > 500 || w.Type != "license":
		return invalid("`url` and `type` are required")
	case byAuthor && w.Action != "incoming_event" && w.Action != "event_updated":
		return invalid("`filters.author_type` is not supported for %s", w.Action)
	}
	return nil
}

func (e *Emulator) unregisterWebhook(r *http.Request, body []byte) (any, error) {
	given, err := e.owned(r, body)
	if err != nil {
		return nil, err
	}
	before := len(e.webhooks)
	e.webhooks = slices.DeleteFunc(e.webhooks, func(w *webhook) bool { return w.ID == given.ID })
	if len(e.webhooks) == before {
		return nil, refusal{http.StatusNotFound, "not_found", "Webhook not found", nil}
	}
	return nil, nil //nolint:nilnil // an empty object
}

func (e *Emulator) webhooksState(*http.Request, []byte) (any, error) {
	return map[string]any{"license_webhooks_enabled": e.enabled}, nil
}

func (e *Emulator) enableWebhooks(*http.Request, []byte) (any, error) {
	e.enabled = true
	return nil, nil //nolint:nilnil // an empty object
}
