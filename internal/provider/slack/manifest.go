package slack

import (
	"fmt"
	"net/url"
	"strings"

	"google.golang.org/protobuf/proto"
)

// Scopes are what the app has to be allowed: what each of the calls and of the
// events below needs, and nothing else.
var Scopes = []string{
	"channels:history", "channels:read", "chat:write", "chat:write.customize",
	"files:read", "files:write", "groups:history", "groups:read", "reactions:write", "users:read",
}

// Events are what Slack tells us of.
var Events = []string{"message.channels", "message.groups"}

const manifestHead = `# The app of your channel. Paste all of this at https://api.slack.com/apps,
# Create New App, From a manifest, your workspace, YAML.
display_information:
  name: Handoff
  description: Customers of your AI agent who ask for a human, as threads in a channel
features:
  bot_user:
    display_name: Handoff
    always_online: true
`

// Manifest implements provider.Manifester. Slack calls https addresses alone:
// where there is none, or an app-level token is given, the app is made for Socket
// Mode, in which we call Slack.
func (Kind) Manifest(config proto.Message, receiveURL string) string {
	c, err := configOf(config)
	u, bad := url.Parse(receiveURL)
	socket := err == nil && c.GetAppToken() != "" || bad != nil || u.Scheme != "https"
	var b strings.Builder
	b.WriteString(manifestHead)
	writeList(&b, "oauth_config:\n  scopes:\n    bot:\n", "      ", Scopes)
	b.WriteString("settings:\n  event_subscriptions:\n")
	if !socket {
		_, _ = fmt.Fprintf(&b, "    request_url: %q\n", receiveURL)
	}
	writeList(&b, "    bot_events:\n", "      ", Events)
	b.WriteString("  interactivity:\n    is_enabled: true\n")
	if !socket {
		_, _ = fmt.Fprintf(&b, "    request_url: %q\n", receiveURL)
	}
	_, _ = fmt.Fprintf(&b, "  org_deploy_enabled: false\n  socket_mode_enabled: %t\n  token_rotation_enabled: false\n", socket)
	return b.String()
}

func writeList(b *strings.Builder, head, indent string, items []string) {
	b.WriteString(head)
	for _, item := range items {
		b.WriteString(indent + "- " + item + "\n")
	}
}
