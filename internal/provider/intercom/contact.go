package intercom

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// ownIDs is in front of the external ids of contacts that have no id of their
// company's: whoever is not known by one must not come to be a known contact.
const ownIDs = "handoff:"

// externalID is what a customer is called at Intercom. Verified users have their
// company's id there, so that teammates find the contact that they know. Empty for
// those who are known by their address alone.
func externalID(sessionID string, c handoff.Customer) string {
	switch {
	case c.Unverified:
		return ownIDs + sessionID
	case c.UserID != "":
		return c.UserID
	case c.Email != "":
		return ""
	default:
		return ownIDs + cmp.Or(c.AnonymousID, sessionID)
	}
}

// contact returns the contact of a customer, a new one if there is none.
//
// A search lags behind by up to minutes, so two starts may both find nothing: then
// the second one is told which contact is there already. The default address is
// never looked at, and an address that was not verified is no identity: both would
// make strangers one.
func (a *Adapter) contact(ctx context.Context, sessionID string, c handoff.Customer) (contact, error) {
	external := externalID(sessionID, c)
	if external != "" {
		found, err := a.client.byExternalID(ctx, external)
		if err == nil || statusOf(err) != http.StatusNotFound {
			return found, err
		}
	}
	email := c.Email
	if c.Unverified {
		email = ""
	}
	if email != "" {
		found, err := a.client.byEmail(ctx, email, external)
		if err != nil || found.ID != "" {
			return found, err
		}
	}
	return a.create(ctx, c, external, email)
}

// create makes a contact. Whether two may share an address is a setting of the
// workspace: where they may not, and the address is somebody else's, this one goes
// without.
func (a *Adapter) create(ctx context.Context, c handoff.Customer, external, email string) (contact, error) {
	for _, address := range slices.Compact([]string{email, ""}) {
		made, err := a.client.createContact(ctx, c, external, address)
		if statusOf(err) != http.StatusConflict {
			return made, err
		}
		if made, err = a.existing(ctx, err, external, address); err != nil || fits(made, external, address) {
			return made, err
		}
	}
	return contact{}, provider.Errorf(provider.ClassRejected, "the workspace says that the contact is there already, and shows another one")
}

// existing returns the contact that stands in the way of a new one.
func (a *Adapter) existing(ctx context.Context, conflict error, external, email string) (contact, error) {
	known, ok := errors.AsType[*refusal](conflict)
	if !ok || known.existing == "" { // it says that there is one, but not which
		found, err := a.client.byEmail(ctx, email, external)
		if err == nil && found.ID == "" {
			err = conflict
		}
		return found, err
	}
	if known.archived {
		if err := a.client.unarchive(ctx, known.existing); err != nil {
			return contact{}, err
		}
	}
	return a.client.byID(ctx, known.existing)
}

// fits reports whether a contact is the one that was looked for.
func fits(found contact, external, email string) bool {
	if external != "" && found.ExternalID != "" {
		return found.ExternalID == external
	}
	return external == "" || strings.EqualFold(found.Email, email)
}

// byExternalID finds a contact by the company's id.
func (c *client) byExternalID(ctx context.Context, external string) (contact, error) {
	return c.follow(ctx, "/contacts/find_by_external_id/"+url.PathEscape(external))
}

func (c *client) byID(ctx context.Context, contactID string) (contact, error) {
	return c.follow(ctx, "/contacts/"+url.PathEscape(contactID))
}

// follow reads a contact. One that was merged into another leads to that.
func (c *client) follow(ctx context.Context, path string) (contact, error) {
	var found contact
	err := c.get(ctx, path, &found)
	if merged, ok := errors.AsType[*refusal](err); ok && merged.existing != "" && statusOf(err) == http.StatusGone {
		found = contact{}
		err = c.get(ctx, "/contacts/"+merged.existing, &found)
	}
	if err == nil && found.ID == "" {
		err = provider.Errorf(provider.ClassTransient, "the answer holds no contact")
	}
	return found, err
}

// byEmail searches for a contact that may be the customer. Of several with the
// address users come first, and then the newest; those with another external id
// are somebody else.
func (c *client) byEmail(ctx context.Context, email, external string) (contact, error) {
	if email == "" {
		return contact{}, nil
	}
	var list contactList
	if err := c.post(ctx, "/contacts/search", map[string]any{"query": filter("email", email)}, &list); err != nil {
		return contact{}, err
	}
	var best contact
	for _, found := range list.Data {
		switch {
		case !strings.EqualFold(found.Email, email) || found.Archived:
		case external != "" && found.ExternalID != "" && found.ExternalID != external:
		case best.ID == "", found.Role == byUser && best.Role != byUser,
			found.Role == best.Role && found.CreatedAt > best.CreatedAt:
			best = found
		}
	}
	return best, nil
}

func (c *client) createContact(ctx context.Context, customer handoff.Customer, external, email string) (contact, error) {
	body := map[string]any{"role": byUser}
	for name, value := range map[string]string{
		"external_id": external, "email": email, "name": customer.Name, "phone": customer.Phone,
	} {
		if value != "" {
			body[name] = value
		}
	}
	var made contact
	err := c.post(ctx, "/contacts", body, &made)
	if err == nil && made.ID == "" {
		err = provider.Errorf(provider.ClassTransient, "the answer holds no contact")
	}
	return made, err
}

func (c *client) unarchive(ctx context.Context, contactID string) error {
	return c.post(ctx, "/contacts/"+url.PathEscape(contactID)+"/unarchive", nil, nil)
}
