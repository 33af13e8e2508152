package slack

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// The ids of the buttons, which Slack sends back.
const (
	blockButtons = "handoff"
	actionTake   = "handoff_take"
	actionClose  = "handoff_close"
)

type object = map[string]any

// literal is a text that is shown as it is.
func literal(text string) object {
	return object{"type": "plain_text", "text": escape(text), "emoji": false}
}

// marked is a text of ours with marks in it.
func marked(text string) object { return object{"type": "mrkdwn", "text": text} }

func section(text object) object { return object{"type": "section", "text": text} }

func note(text object) object { return object{"type": "context", "elements": []any{text}} }

// anonymous is who has no name.
const anonymous = "Customer"

// nameOf is what the customer is called in the channel.
func nameOf(c handoff.Customer) string {
	return cut(cmp.Or(c.Name, c.Email, c.Phone, anonymous), maxName)
}

// card returns the first message of a session's thread, and what did not fit into
// it, for replies.
func (a *Adapter) card(c provider.Call, start handoff.Start) (card outgoing, replies []string) {
	name := nameOf(start.Customer)
	blocks := []any{object{"type": "header", "text": literal(cut("Handoff: "+name, maxHeader))}}
	if a.mention != "" {
		blocks = append(blocks, section(marked(mention(a.mention)+" Somebody asks for a human.")))
	}
	blocks = append(blocks, fields(start)...)

	question := sections(start.Question, maxSection)
	transcript := transcriptOf(start.Transcript)
	room := maxCard - sizeOf(blocks) - utf8.RuneCountInString(escape(start.Question))
	if utf8.RuneCountInString(escape(transcript)) <= room {
		for _, piece := range sections(transcript, maxSection) {
			blocks = append(blocks, section(literal(piece)))
		}
	} else {
		replies = sections(transcript, maxReply)
		blocks = append(blocks, note(marked("What was said before stands in the thread.")))
	}
	if len(question) > 0 && room < 0 { // a question of many thousand characters
		replies = append(replies, sections("The question:\n"+start.Question, maxReply)...)
		question = []string{cut(start.Question, maxSection)}
	}
	if len(question) > 0 {
		blocks = append(blocks, object{"type": "divider"}, note(marked("*Question*")))
	}
	for _, piece := range question {
		blocks = append(blocks, section(literal(piece)))
	}
	blocks = append(blocks, note(a.help()), buttons(c.SessionID))
	return outgoing{
		Channel: a.channel, Text: cut("Handoff: "+name+": "+start.Question, maxSection), Blocks: blocks, Username: name, IconEmoji: icon,
		Metadata: mark(c, c.IdempotencyKey),
	}, replies
}

// icon stands beside what customers say.
const icon = ":bust_in_silhouette:"

func mention(whom string) string {
	switch {
	case whom == "here" || whom == "channel":
		return "<!" + whom + ">"
	case strings.HasPrefix(whom, "S"):
		return "<!subteam^" + whom + ">"
	default:
		return "<@" + whom + ">"
	}
}

func (a *Adapter) help() object {
	return marked("Replies in this thread go to the customer. Begin one with `" + escape(a.notePrefix) +
		"` for a note among yourselves; `" + escape(a.closeWord) + "` or the button ends the conversation.")
}

func buttons(sessionID string) object {
	button := func(action, text string, more object) object {
		b := object{"type": "button", "action_id": action, "value": sessionID, "text": literal(text)}
		maps.Copy(b, more)
		return b
	}
	return object{"type": "actions", "block_id": blockButtons, "elements": []any{
		button(actionTake, "Take", object{"style": "primary"}),
		button(actionClose, "Close", object{"style": "danger", "confirm": object{
			"title": literal("Close this conversation?"), "text": literal("The customer is told that it ended."),
			"confirm": literal("Close"), "deny": literal("Keep open"),
		}}),
	}}
}

// fields are who it is and what else is known, ten to a block, as Slack allows.
func fields(start handoff.Start) []any {
	var all []any
	add := func(label, value string) {
		if value != "" {
			all = append(all, literal(cut(label+"\n"+value, maxField)))
		}
	}
	who := start.Customer
	add("Name", who.Name)
	add("E-mail", who.Email)
	add("Phone", who.Phone)
	add("User id", who.UserID)
	add("Visitor", who.AnonymousID)
	add("Language", who.Locale)
	if who.Unverified {
		add("Identity", "not verified: the browser says so")
	}
	add("Reason", start.Reason)
	add("Priority", string(start.Priority))
	add("Team", start.Team)
	add("Tags", strings.Join(start.Tags, ", "))
	for _, more := range []map[string]string{who.Attributes, start.Metadata} {
		for _, name := range slices.Sorted(maps.Keys(more)) {
			add(name, more[name])
		}
	}
	const perBlock, most = 10, 40
	var blocks []any
	for part := range slices.Chunk(all[:min(len(all), most)], perBlock) {
		blocks = append(blocks, object{"type": "section", "fields": part})
	}
	return blocks
}

// transcriptOf returns the turns as one text.
func transcriptOf(turns []handoff.Turn) string {
	lines := make([]string, 0, len(turns))
	for _, turn := range turns {
		speaker := "Customer"
		if turn.Role == handoff.RoleAssistant {
			speaker = "Assistant"
		}
		lines = append(lines, speaker+": "+turn.Text)
	}
	return strings.Join(lines, "\n")
}

// sizeOf is about how many characters of text blocks have.
func sizeOf(blocks []any) int {
	data, err := json.Marshal(blocks)
	if err != nil {
		return maxCard
	}
	return utf8.RuneCount(data)
}

// closedBlocks returns a card's blocks without its buttons and its help, and with
// how it ended. open tells whether it had buttons.
func closedBlocks(card message, how string) (blocks []any, open bool) {
	for _, raw := range rawBlocks(card) {
		var block struct {
			Type    string `json:"type"`
			BlockID string `json:"block_id"`
		}
		_ = json.Unmarshal(raw, &block) // it is kept as it is
		if block.Type == "actions" && block.BlockID == blockButtons {
			open = true
			continue
		}
		blocks = append(blocks, raw)
	}
	return append(blocks, note(literal(how))), open
}

// part is the id of one of the replies that a start needs.
func part(key string, i int) string { return key + "-" + strconv.Itoa(i+1) }
