package livechat

import (
	"maps"
	"slices"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
)

// Bounds of what is told of a customer.
const (
	maxFields     = 100
	maxFieldBytes = 2000
)

// profile is what agents see of the customer before the chat begins. What a
// browser says of itself is marked, and its address is nobody's: LiveChat would
// show the customer together with whom the address belongs to.
func profile(sessionID string, start handoff.Start) map[string]any {
	c := start.Customer
	body := map[string]any{"session_fields": sessionFields(sessionID, start)}
	if c.Name != "" {
		body["name"] = c.Name
	}
	if c.Email != "" && !c.Unverified {
		body["email"] = c.Email
	}
	return body
}

// sessionFields are the details beside a chat: a list, for their order is kept.
func sessionFields(sessionID string, start handoff.Start) []map[string]string {
	var fields []map[string]string
	seen := map[string]bool{}
	add := func(name, value string) {
		if name == "" || value == "" || seen[name] || len(fields) >= maxFields {
			return
		}
		if len(value) > maxFieldBytes {
			value = strings.ToValidUTF8(value[:maxFieldBytes], "") + "…"
		}
		seen[name] = true
		fields = append(fields, map[string]string{name: value})
	}
	c := start.Customer
	claimed := ""
	if c.Unverified {
		claimed = " (not verified)"
		add("email"+claimed, c.Email)
	}
	add("user_id"+claimed, c.UserID)
	add("anonymous_id", c.AnonymousID)
	add("phone", c.Phone)
	add("locale", c.Locale)
	add("reason", start.Reason)
	add("priority", string(start.Priority))
	add("team", start.Team)
	add("tags", strings.Join(start.Tags, ", "))
	add("handoff", sessionID)
	for _, of := range []map[string]string{c.Attributes, start.Metadata} {
		for _, name := range slices.Sorted(maps.Keys(of)) {
			add(name, of[name])
		}
	}
	return fields
}
