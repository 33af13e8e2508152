package whatsapp

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/messenger"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// templateInfo is a template as Meta lists it.
type templateInfo struct {
	Name       string `json:"name"`
	Language   string `json:"language"`
	Status     string `json:"status"`
	Rejected   string `json:"rejected_reason"`
	Components []struct {
		Type    string `json:"type"`
		Text    string `json:"text"`
		Buttons []struct {
			Type string `json:"type"`
		} `json:"buttons"`
	} `json:"components"`
}

// Check implements provider.Adapter: the number has to be the token's, the app has
// to get the account's webhooks, and the template has to be approved. What is not
// there yet is made.
func (a *Adapter) Check(ctx context.Context) error {
	var number struct {
		ID string `json:"id"`
	}
	path := "/" + url.PathEscape(a.number) + "?fields=id,display_phone_number,verified_name,quality_rating"
	if err := a.rest.Do(ctx, restapi.Call{Method: http.MethodGet, Path: path, Into: &number}); err != nil {
		return err
	}
	if err := a.subscribe(ctx); err != nil {
		return err
	}
	t, err := a.findTemplate(ctx)
	if err != nil {
		return err
	}
	if t == nil {
		if err := a.makeTemplate(ctx); err != nil {
			return err
		}
		return provider.Errorf(provider.ClassIncomplete, "the template %q was submitted to Meta, which has to approve it; that takes minutes to a day", a.template)
	}
	return t.usable()
}

// subscribe has the account's webhooks sent to the token's app, without which the
// receive URL at Meta is of no use.
func (a *Adapter) subscribe(ctx context.Context) error {
	path := "/" + url.PathEscape(a.account) + "/subscribed_apps"
	var apps struct {
		Data []struct{} `json:"data"`
	}
	if err := a.rest.Do(ctx, restapi.Call{Method: http.MethodGet, Path: path, Into: &apps}); err != nil || len(apps.Data) > 0 {
		return err
	}
	return a.rest.Do(ctx, restapi.Call{Method: http.MethodPost, Path: path})
}

// findTemplate returns the template in its language; nil if there is none.
func (a *Adapter) findTemplate(ctx context.Context) (*templateInfo, error) {
	var list struct {
		Data []templateInfo `json:"data"`
	}
	path := "/" + url.PathEscape(a.account) + "/message_templates?name=" + url.QueryEscape(a.template)
	if err := a.rest.Do(ctx, restapi.Call{Method: http.MethodGet, Path: path, Into: &list}); err != nil {
		return nil, err
	}
	for i := range list.Data {
		if t := &list.Data[i]; t.Name == a.template && t.Language == a.language { // the search finds alike names, too
			return t, nil
		}
	}
	return nil, nil //nolint:nilnil // says so
}

// usable returns why the template cannot be used; nil if it can.
func (t *templateInfo) usable() error {
	switch t.Status {
	case "APPROVED":
	case "PENDING", "IN_APPEAL":
		return provider.Errorf(provider.ClassIncomplete, "the template %q waits for Meta's approval, which takes minutes to a day", t.Name)
	default:
		return provider.Errorf(provider.ClassIncomplete, "the template %q is %s (%s); mend it in the WhatsApp Manager, or enter another name in template_name", t.Name, t.Status, t.Rejected)
	}
	body, button := false, false
	for _, c := range t.Components {
		switch c.Type {
		case "BODY":
			body = strings.Contains(c.Text, "{{3}}") && !strings.Contains(c.Text, "{{4}}")
		case "BUTTONS":
			button = len(c.Buttons) > 0 && c.Buttons[0].Type == "QUICK_REPLY"
		}
	}
	if !body || !button {
		return provider.Errorf(provider.ClassIncomplete, "the template %q needs the placeholders {{1}} to {{3}} in its body, and a quick reply as its first button; "+
			"or enter a new name in template_name, and it is made", t.Name)
	}
	return nil
}

// makeTemplate makes the template and submits it.
func (a *Adapter) makeTemplate(ctx context.Context) error {
	text, example := "A customer asks for a human. #{{1}}, {{2}}: {{3}}\n\nPress the button to answer.", []string{"H7K3", "Ann Lee", "Where is my parcel?"}
	if strings.HasPrefix(a.language, "zh") {
		text, example = "有客户请求人工服务。#{{1}}，{{2}}：{{3}}\n\n请点击按钮接入。", []string{"H7K3", "李安", "我的包裹在哪里？"}
	}
	return a.rest.Do(ctx, restapi.Call{
		Method: http.MethodPost, Path: "/" + url.PathEscape(a.account) + "/message_templates",
		Body: map[string]any{
			"name": a.template, "language": a.language, "category": "UTILITY",
			"components": []any{
				map[string]any{"type": "BODY", "text": text, "example": map[string]any{"body_text": [][]string{example}}},
				map[string]any{"type": "BUTTONS", "buttons": []any{
					map[string]any{"type": "QUICK_REPLY", "text": a.label(messenger.LabelTake)},
				}},
			},
		},
	})
}
