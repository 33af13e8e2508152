// Package all is the one list of the kinds of providers.
package all

import (
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/chatwoot"
	"github.com/human-handoff/handoff/internal/provider/desk"
	"github.com/human-handoff/handoff/internal/provider/dingtalk"
	"github.com/human-handoff/handoff/internal/provider/intercom"
	"github.com/human-handoff/handoff/internal/provider/livechat"
	"github.com/human-handoff/handoff/internal/provider/qiyu"
	"github.com/human-handoff/handoff/internal/provider/slack"
	"github.com/human-handoff/handoff/internal/provider/webhook"
	"github.com/human-handoff/handoff/internal/provider/wecom"
	"github.com/human-handoff/handoff/internal/provider/whatsapp"
	"github.com/human-handoff/handoff/internal/provider/zendesk"
)

// Kinds returns every kind that there is, in the order in which they are shown.
func Kinds() []provider.Kind {
	return []provider.Kind{
		desk.Kind{},
		webhook.Kind{},
		intercom.Kind{},
		livechat.Kind{},
		slack.Kind{},
		chatwoot.Kind{},
		zendesk.Kind{},
		whatsapp.Kind{},
		qiyu.Kind{},
		wecom.Kind{},
		dingtalk.Kind{},
	}
}
