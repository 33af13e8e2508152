package zendesk

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider/briefing"
)

// maxUnits is how many characters a text may have, as JavaScript counts them.
const maxUnits = 4096

// maxNote is how many bytes of what agents have to know are written: each piece is a
// call, and a start must not take long.
const maxNote = 6 * maxUnits

// noteOf is what agents get to know of a start.
func noteOf(sessionID string, start handoff.Start) string {
	lines := append([]string{briefing.Mark(sessionID)}, briefing.Facts(start)...)
	if start.Customer.Phone != "" {
		lines = append(lines, "Phone: "+start.Customer.Phone)
	}
	for _, turn := range start.Transcript {
		lines = append(lines, briefing.Speaker(turn)+": "+turn.Text)
	}
	note := strings.Join(lines, "\n")
	if len(note) <= maxNote {
		return note
	}
	end := maxNote
	for !utf8.RuneStart(note[end]) {
		end--
	}
	return note[:end] + "…"
}

// maxFields is how many bytes of a request's own fields are sent, with their names.
const maxFields = 1000

// ticketFields are what a request wants to be in fields of the ticket, by their ids:
// the object ticket_fields of its provider_extra. What is no text, number or boolean
// cannot be sent, and neither can what is too much.
func ticketFields(extra json.RawMessage) map[string]any {
	var given struct {
		Fields map[string]any `json:"ticket_fields"`
	}
	_ = json.Unmarshal(extra, &given) // else there are none
	fields := map[string]any{}
	left := maxFields
	for _, id := range slices.Sorted(maps.Keys(given.Fields)) {
		value, err := json.Marshal(given.Fields[id])
		switch given.Fields[id].(type) {
		case string, float64, bool:
		default:
			continue
		}
		if size := len(id) + len(value); err == nil && id != "" && size <= left {
			fields[id] = given.Fields[id]
			left -= size
		}
	}
	return fields
}

// maxTags is how many bytes of tags are sent: all fields together may have 4 KB.
const maxTags = 1500

// tagsOf joins tags as tickets take them.
func tagsOf(lists ...[]string) string {
	joined := ""
	for _, list := range lists {
		for _, tag := range list {
			tag = strings.NewReplacer(" ", "_", ",", "_").Replace(strings.TrimSpace(tag))
			if tag == "" || len(joined)+len(tag) >= maxTags {
				continue
			}
			joined = strings.TrimPrefix(joined+","+tag, ",")
		}
	}
	return joined
}
