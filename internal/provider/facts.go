package provider

import (
	"maps"
	"slices"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
)

// Facts returns what is known of a customer and of a handoff besides the name and
// what was said, as lines for a human to read.
func Facts(start handoff.Start) []string {
	var lines []string
	add := func(name, value string) {
		if value = strings.Join(strings.Fields(value), " "); value != "" {
			lines = append(lines, name+": "+value)
		}
	}
	claimed := ""
	if start.Customer.Unverified {
		claimed = ", as the customer says"
	}
	add("E-mail"+claimed, start.Customer.Email)
	add("Phone"+claimed, start.Customer.Phone)
	add("User id"+claimed, start.Customer.UserID)
	add("Language", start.Customer.Locale)
	add("Reason", start.Reason)
	add("Priority", string(start.Priority))
	add("Team", start.Team)
	add("Tags", strings.Join(start.Tags, ", "))
	for _, of := range []map[string]string{start.Customer.Attributes, start.Metadata} {
		for _, name := range slices.Sorted(maps.Keys(of)) {
			add(name, of[name])
		}
	}
	if len(start.ProviderExtra) > 0 {
		add("More", string(start.ProviderExtra))
	}
	return lines
}
