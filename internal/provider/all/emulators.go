package all

import (
	"github.com/human-handoff/handoff/internal/provider/chatwoot"
	"github.com/human-handoff/handoff/internal/provider/chatwoot/chatwoottest"
	"github.com/human-handoff/handoff/internal/provider/dingtalk"
	"github.com/human-handoff/handoff/internal/provider/dingtalk/dingtalktest"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/intercom"
	"github.com/human-handoff/handoff/internal/provider/intercom/intercomtest"
	"github.com/human-handoff/handoff/internal/provider/livechat"
	"github.com/human-handoff/handoff/internal/provider/livechat/livechattest"
	"github.com/human-handoff/handoff/internal/provider/qiyu"
	"github.com/human-handoff/handoff/internal/provider/qiyu/qiyutest"
	"github.com/human-handoff/handoff/internal/provider/slack"
	"github.com/human-handoff/handoff/internal/provider/slack/slacktest"
	"github.com/human-handoff/handoff/internal/provider/webhook"
	"github.com/human-handoff/handoff/internal/provider/webhook/webhooktest"
	"github.com/human-handoff/handoff/internal/provider/wecom"
	"github.com/human-handoff/handoff/internal/provider/wecom/wecomtest"
	"github.com/human-handoff/handoff/internal/provider/whatsapp"
	"github.com/human-handoff/handoff/internal/provider/whatsapp/whatsapptest"
	"github.com/human-handoff/handoff/internal/provider/zendesk"
	"github.com/human-handoff/handoff/internal/provider/zendesk/zendesktest"
)

// Emulators returns the traits of the vendors of all kinds, above all their
// emulators. The built-in desk has none.
func Emulators() map[string]emulator.Traits {
	return map[string]emulator.Traits{
		webhook.Name:  webhooktest.Traits(),
		intercom.Name: intercomtest.Traits(),
		livechat.Name: livechattest.Traits(),
		slack.Name:    slacktest.Traits(),
		chatwoot.Name: chatwoottest.Traits(),
		zendesk.Name:  zendesktest.Traits(),
		whatsapp.Name: whatsapptest.Traits(),
		qiyu.Name:     qiyutest.Traits(),
		wecom.Name:    wecomtest.Traits(),
		dingtalk.Name: dingtalktest.Traits(),
	}
}
