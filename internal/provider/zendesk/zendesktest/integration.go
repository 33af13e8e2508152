package zendesktest

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
)

// integration is a custom one, which is there for its webhook.
type integration struct {
	id, name string

	hook hook
}

type hook struct {
	ID                string   `json:"id"`
	Version           string   `json:"version"`
	Target            string   `json:"target"`
	Triggers          []string `json:"triggers"`
	Secret            string   `json:"secret"`
	IncludeFullUser   bool     `json:"includeFullUser"`
	IncludeFullSource bool     `json:"includeFullSource"`
}

// triggers are the events that webhooks can be told of, as far as we have them.
var triggers = []string{
	"conversation:create", "conversation:message", "conversation:typing", "conversation:read", "conversation:message:delivery:failure",
	"switchboard:passControl", "switchboard:releaseControl", "switchboard:passControl:failure",
}

var errForbidden = refusal{http.StatusForbidden, "forbidden", "The key's scope does not allow it."}

// AddIntegration makes one, as somebody does by hand.
func (e *Emulator) AddIntegration(name, target string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.integrations = append(e.integrations, &integration{newID(), name, hook{ID: newID(), Version: "v2", Target: target, Triggers: triggers[:2], Secret: rand.Text()}})
}

// Targets returns the addresses that are told of an event.
func (e *Emulator) Targets(event string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []string
	for _, i := range e.integrations {
		if slices.Contains(i.hook.Triggers, event) {
			all = append(all, i.hook.Target)
		}
	}
	return all
}

// WebhookKey is the key in the calls of the newest integration.
func (e *Emulator) WebhookKey() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.integrations[len(e.integrations)-1].hook.Secret
}

func (i *integration) shown() map[string]any {
	return map[string]any{"id": i.id, "type": "custom", "status": "active", "displayName": i.name, "webhooks": []any{i.hook}}
}

func checkHook(target string, events []string) error {
	if u, err := url.Parse(target); err != nil || u.Host == "" {
		return bad("target is no URL")
	}
	if len(events) == 0 || slices.ContainsFunc(events, func(t string) bool { return !slices.Contains(triggers, t) }) {
		return bad("triggers: invalid value")
	}
	return nil
}

func (e *Emulator) createIntegration(_ *http.Request, body []byte) (int, any, error) {
	if e.Forbidden {
		return 0, nil, errForbidden
	}
	var given struct {
		Type        string `json:"type"`
		DisplayName string `json:"displayName"`
		Webhooks    []struct {
			Target            string   `json:"target"`
			Triggers          []string `json:"triggers"`
			IncludeFullUser   bool     `json:"includeFullUser"`
			IncludeFullSource bool     `json:"includeFullSource"`
		} `json:"webhooks"`
	}
	if err := decode(body, &given); err != nil {
		return 0, nil, err
	}
	if given.Type != "custom" || len(given.DisplayName) > 100 || len(given.Webhooks) != 1 {
		return 0, nil, bad("Invalid integration type, name or webhooks")
	}
	if len(e.integrations) >= e.MaxWebhooks {
		return 0, nil, bad("The app has as many webhooks as it may have")
	}
	w := given.Webhooks[0]
	if err := checkHook(w.Target, w.Triggers); err != nil {
		return 0, nil, err
	}
	made := &integration{newID(), given.DisplayName, hook{newID(), "v2", w.Target, w.Triggers, rand.Text(), w.IncludeFullUser, w.IncludeFullSource}}
	e.webhookKey = made.hook.Secret
	e.integrations = append(e.integrations, made)
	return http.StatusCreated, map[string]any{"integration": made.shown()}, nil
}

// pageOfIntegrations is how many are shown at once.
const pageOfIntegrations = 2

func (e *Emulator) listIntegrations(r *http.Request, _ []byte) (int, any, error) {
	if e.Forbidden {
		return 0, nil, errForbidden
	}
	if types := r.URL.Query().Get("filter[types]"); types != "custom" {
		return 0, nil, bad("this emulator has custom integrations alone")
	}
	list := e.integrations
	if after := r.URL.Query().Get("page[after]"); after != "" {
		list = list[slices.IndexFunc(list, func(i *integration) bool { return i.id == after })+1:]
	}
	meta := map[string]any{"hasMore": len(list) > pageOfIntegrations}
	if len(list) > pageOfIntegrations {
		list = list[:pageOfIntegrations]
		meta["afterCursor"] = list[len(list)-1].id
	}
	shown := []any{}
	for _, i := range list {
		one := i.shown()
		delete(one, "webhooks")
		shown = append(shown, one)
	}
	return http.StatusOK, map[string]any{"integrations": shown, "meta": meta, "links": map[string]any{}}, nil
}

func (e *Emulator) integrationOf(r *http.Request) (*integration, error) {
	if e.Forbidden {
		return nil, errForbidden
	}
	for _, i := range e.integrations {
		if i.id == r.PathValue("id") {
			return i, nil
		}
	}
	return nil, missing("integration")
}

func (e *Emulator) listWebhooks(r *http.Request, _ []byte) (int, any, error) {
	i, err := e.integrationOf(r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]any{"webhooks": []any{i.hook}}, nil
}

func (e *Emulator) updateWebhook(r *http.Request, body []byte) (int, any, error) {
	i, err := e.integrationOf(r)
	if err != nil {
		return 0, nil, err
	}
	if i.hook.ID != r.PathValue("webhook") {
		return 0, nil, missing("webhook")
	}
	changed := hook{Target: i.hook.Target, Triggers: i.hook.Triggers}
	given := struct {
		Target   *string   `json:"target"`
		Triggers *[]string `json:"triggers"`
	}{&changed.Target, &changed.Triggers}
	if err := decode(body, &given); err != nil {
		return 0, nil, err
	}
	if err := checkHook(changed.Target, changed.Triggers); err != nil {
		return 0, nil, err
	}
	i.hook.Target, i.hook.Triggers = changed.Target, changed.Triggers
	return http.StatusOK, map[string]any{"webhook": i.hook}, nil
}
