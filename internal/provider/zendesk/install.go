package zendesk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// wanted are the events that we need.
var wanted = []string{eventMessage, eventTyping, eventPass, eventRelease}

// Install implements provider.Installer: it makes the integration that calls the
// receive URL, and keeps the key by which its calls are known. One that was made by
// hand is left as it is. It is not put on the switchboard: one that is not there is
// told of all conversations.
func (a *Adapter) Install(ctx context.Context) error {
	if a.receiveURL == "" || a.renew == nil {
		return nil
	}
	if !strings.HasPrefix(a.receiveURL, "https://") && strings.HasPrefix(a.host, "https://") {
		return a.leave("Zendesk calls https addresses alone, and the receive URL is none; set the server's public URL")
	}
	made, err := a.installed(ctx)
	if err == nil && made.ID == "" && a.webhookKey == "" {
		made, err = a.integrate(ctx)
	}
	if status := statusOf(err); status == http.StatusForbidden || status == http.StatusBadRequest {
		return a.leave(fmt.Sprintf("Zendesk refuses to have the integration made or changed (%s); an app has at most ten webhooks", err))
	}
	if err != nil {
		return err
	}
	return a.keep(ctx, made.Secret)
}

// leave is for when we cannot make the integration: the one that was made by hand will do.
func (a *Adapter) leave(why string) error {
	if a.webhookKey != "" {
		return nil
	}
	return provider.Errorf(provider.ClassIncomplete, "webhook_key: %s, or make the integration by hand "+
		"(Apps and integrations, Conversations integrations) and enter its shared secret as webhook_key", why)
}

// keep has the key of our integration remembered.
func (a *Adapter) keep(ctx context.Context, key string) error {
	switch key {
	case a.webhookKey:
		return nil
	case "":
		return a.leave("Zendesk does not show the shared secret of the integration " + a.mark() + "; enter it")
	}
	if err := a.renew(ctx, map[string]string{"webhook_key": key}); err != nil {
		return provider.Errorf(provider.ClassTransient, "keep the webhook's key: %w", err)
	}
	return nil
}

// mark is the name of our integration: the same whatever address the server has, and
// another one for each agent.
func (a *Adapter) mark() string {
	digest := sha256.Sum256([]byte(a.receiveURL[strings.LastIndexByte(a.receiveURL, '/')+1:]))
	return "Handoff " + hex.EncodeToString(digest[:4])
}

// installed returns the webhook of our integration, with the present address and
// events; an empty one if there is none.
func (a *Adapter) installed(ctx context.Context) (webhook, error) {
	ours, err := a.client.integrationNamed(ctx, a.mark())
	if err != nil || ours.ID == "" {
		return webhook{}, err
	}
	path := "/integrations/" + url.PathEscape(ours.ID) + "/webhooks"
	var list webhookList
	if err := a.client.get(ctx, path, &list); err != nil || len(list.Webhooks) == 0 {
		return webhook{}, err
	}
	found := list.Webhooks[0]
	missing := slices.ContainsFunc(wanted, func(event string) bool { return !slices.Contains(found.Triggers, event) })
	if found.Target != a.receiveURL || missing {
		err = a.client.rest.Do(ctx, restapi.Call{
			Method: http.MethodPatch, Path: path + "/" + url.PathEscape(found.ID), Body: map[string]any{"target": a.receiveURL, "triggers": wanted},
		})
	}
	return found, err
}

// integrate makes our integration.
func (a *Adapter) integrate(ctx context.Context) (webhook, error) {
	var made connectedAnswer
	err := a.client.post(ctx, "/integrations", map[string]any{
		"type": typeCustom, "displayName": a.mark(),
		"webhooks": []any{map[string]any{"target": a.receiveURL, "triggers": wanted, "includeFullUser": false, "includeFullSource": false}},
	}, &made)
	if err != nil {
		return webhook{}, err
	}
	if all := made.Integration.Webhooks; len(all) > 0 && all[0].Secret != "" {
		return all[0], nil
	}
	return a.installed(ctx) // which shows the secret
}

const typeCustom = "custom"

// integrationNamed finds an integration of the kind that has webhooks; an empty one if
// there is none of that name.
func (c *client) integrationNamed(ctx context.Context, name string) (connected, error) {
	query := url.Values{"filter[types]": {typeCustom}}
	for range maxPages {
		var list connectedList
		if err := c.get(ctx, "/integrations?"+query.Encode(), &list); err != nil {
			return connected{}, err
		}
		for _, i := range list.Integrations {
			if i.DisplayName == name && i.Type == typeCustom {
				return i, nil
			}
		}
		if !list.Meta.HasMore || list.Meta.After == "" {
			break
		}
		query.Set("page[after]", list.Meta.After)
	}
	return connected{}, nil
}
