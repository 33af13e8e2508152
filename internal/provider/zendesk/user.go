package zendesk

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// ownIDs is in front of the external ids of users that have no id of their
// company's: whoever is not known by one must not come to be a known user.
const ownIDs = "handoff:"

// externalID is what a customer is called at Zendesk. It alone makes two users one,
// and joins them with those of Support; an address does not.
func externalID(sessionID string, c handoff.Customer) string {
	switch {
	case c.Unverified:
		return ownIDs + sessionID
	case c.UserID != "":
		return c.UserID
	case c.Email != "":
		return ownIDs + "mail:" + strings.ToLower(c.Email)
	default:
		return ownIDs + cmp.Or(c.AnonymousID, sessionID)
	}
}

// user returns the id of the user that a customer is, a new one if there is none.
// What a browser says of itself is no identity, so its address is not sent.
func (a *Adapter) user(ctx context.Context, sessionID string, c handoff.Customer) (string, error) {
	external := externalID(sessionID, c)
	profile := map[string]any{}
	add := func(name, value string) {
		if value != "" {
			profile[name] = value
		}
	}
	given, surname, _ := strings.Cut(c.Name, " ")
	add("givenName", given)
	add("surname", surname)
	add("locale", c.Locale)
	if !c.Unverified {
		add("email", c.Email)
	}
	var got userAnswer
	err := a.client.post(ctx, "/users", map[string]any{"externalId": external, "profile": profile}, &got)
	if statusOf(err) == http.StatusConflict { // it is there already
		err = a.client.get(ctx, "/users/"+url.PathEscape(external), &got)
	}
	if err == nil && got.User.ID == "" {
		err = provider.Errorf(provider.ClassTransient, "the answer holds no user")
	}
	return got.User.ID, err
}
