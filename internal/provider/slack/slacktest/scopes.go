package slacktest

// Methods tells which scopes Slack asks for each method that the emulator has, by
// the methods' own pages (https://docs.slack.dev/reference/methods). The first list
// is for a public channel, the second for a private one.
var Methods = map[string]struct{ Public, Private []string }{
	"auth.test":                    {},
	"apps.connections.open":        {}, // connections:write, of an app-level token
	"chat.postEphemeral":           {[]string{"chat:write"}, []string{"chat:write"}},
	"chat.postMessage":             {[]string{"chat:write"}, []string{"chat:write"}},
	"chat.update":                  {[]string{"chat:write"}, []string{"chat:write"}},
	"conversations.history":        {[]string{"channels:history"}, []string{"groups:history"}},
	"conversations.info":           {[]string{"channels:read"}, []string{"groups:read"}},
	"conversations.replies":        {[]string{"channels:history"}, []string{"groups:history"}},
	"files.completeUploadExternal": {[]string{"files:write"}, []string{"files:write"}},
	"files.getUploadURLExternal":   {[]string{"files:write"}, []string{"files:write"}},
	"reactions.add":                {[]string{"reactions:write"}, []string{"reactions:write"}},
	"users.info":                   {[]string{"users:read"}, []string{"users:read"}},
}

// Customize is what a message under another name needs besides
// (https://docs.slack.dev/reference/scopes/chat.write.customize).
const Customize = "chat:write.customize"

// Download is what the content of a member's file needs
// (https://docs.slack.dev/reference/objects/file-object).
const Download = "files:read"

// Events tells which scope each event asks for (https://docs.slack.dev/reference/events).
var Events = map[string]string{
	"message.channels": "channels:history",
	"message.groups":   "groups:history",
}
