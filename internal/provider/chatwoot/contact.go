package chatwoot

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// ownIDs is in front of the identifiers of contacts that have no id of their
// company's: whoever is not known by one must not come to be a known contact.
const ownIDs = "handoff:"

// The attributes of a contact that no two of an account share.
const (
	attributeIdentifier = "identifier"
	attributeEmail      = "email"
	attributePhone      = "phone_number"
	attributeName       = "name" // which many may share
)

// identifierOf is what a customer is called at Chatwoot. Verified users have their
// company's id there, so that agents find the contact that they know. Empty for
// those who are known by their address alone.
func identifierOf(sessionID string, c handoff.Customer) string {
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

// e164 is the one form of phone numbers that is taken.
var e164 = regexp.MustCompile(`^\+[1-9][0-9]{0,14}$`)

// contact returns the contact of a customer, a new one if there is none. What a
// browser says of itself is no identity, and the default address is never looked
// at: both would make strangers one.
func (a *Adapter) contact(ctx context.Context, sessionID string, c handoff.Customer) (contact, error) {
	who := candidate{identifier: identifierOf(sessionID, c), name: c.Name, source: a.source(sessionID)}
	if !c.Unverified {
		who.email = c.Email
		if e164.MatchString(c.Phone) {
			who.phone = c.Phone
		}
	}
	if who.identifier != "" {
		found, err := a.client.contactBy(ctx, attributeIdentifier, who.identifier)
		if err != nil || found.ID != "" {
			return found, err
		}
	}
	if who.email != "" {
		found, err := a.client.contactBy(ctx, attributeEmail, who.email)
		if err != nil || found.ID != "" && who.mayBe(found) {
			return found, err
		}
		if found.ID != "" {
			who.email = "" // no two may have the same
		}
	}
	return a.create(ctx, sessionID, who)
}

// candidate is what is known of a contact that may have to be made.
type candidate struct {
	identifier, email, phone, name string

	source string // under which the inbox is to know it
}

// mayBe reports whether the contact with the address is the customer: one with
// another identifier is somebody else.
func (c candidate) mayBe(found contact) bool {
	return c.identifier == "" || found.Identifier == "" || found.Identifier == c.identifier
}

// create makes a contact. What it is refused for, because another has it or
// because it is not in the form that Chatwoot takes, is left out.
func (a *Adapter) create(ctx context.Context, sessionID string, who candidate) (contact, error) {
	for {
		made, err := a.client.createContact(ctx, who)
		switch {
		case who.phone != "" && refusedFor(err, attributePhone):
			who.phone = ""
		case who.name != "" && refusedFor(err, attributeName):
			who.name = ""
		case who.email != "" && refusedFor(err, attributeEmail):
			if found, err := a.withAddress(ctx, who); err != nil || found.ID != "" {
				return found, err
			}
			who.email, who.identifier = "", cmp.Or(who.identifier, ownIDs+sessionID)
		case refusedFor(err, attributeIdentifier):
			return a.madeMeanwhile(ctx, who, err)
		default:
			return made, err
		}
	}
}

// withAddress returns the contact that has the address, if that is the customer.
func (a *Adapter) withAddress(ctx context.Context, who candidate) (contact, error) {
	found, err := a.client.contactBy(ctx, attributeEmail, who.email)
	if err != nil || !who.mayBe(found) {
		return contact{}, err
	}
	return found, nil
}

// madeMeanwhile returns the contact that has come into being a moment ago, and made
// Chatwoot refuse another one.
func (a *Adapter) madeMeanwhile(ctx context.Context, who candidate, refused error) (contact, error) {
	found, err := a.client.searchContact(ctx, attributeIdentifier, who.identifier)
	if err == nil && found.ID == "" {
		err = refused
	}
	return found, err
}

// contactBy finds the contact with a certain attribute; an empty one if there is
// none. Versions that cannot filter by it search.
func (c *client) contactBy(ctx context.Context, attribute, value string) (contact, error) {
	var list contactList
	err := c.post(ctx, "/contacts/filter", map[string]any{"payload": []any{map[string]any{
		"attribute_key": attribute, "filter_operator": "equal_to", "values": []string{value}, "query_operator": nil,
	}}}, &list)
	if statusOf(err) == http.StatusUnprocessableEntity && provider.ClassOf(err) == provider.ClassRejected {
		return c.searchContact(ctx, attribute, value)
	}
	return pick(list, attribute, value), err
}

// searchContact is the same by a search, which looks for a part of every attribute
// and shows 15 contacts.
func (c *client) searchContact(ctx context.Context, attribute, value string) (contact, error) {
	var list contactList
	err := c.get(ctx, c.account+"/contacts/search?q="+url.QueryEscape(value), &list)
	return pick(list, attribute, value), err
}

// pick returns the one of several contacts whose attribute is the same, not only alike.
func pick(list contactList, attribute, value string) contact {
	for _, found := range list.Contacts {
		if attribute == attributeEmail && strings.EqualFold(found.Email, value) || attribute == attributeIdentifier && found.Identifier == value {
			return found
		}
	}
	return contact{}
}

func (c *client) createContact(ctx context.Context, who candidate) (contact, error) {
	body := map[string]any{"inbox_id": c.inbox, "source_id": who.source}
	for name, value := range map[string]string{
		attributeIdentifier: who.identifier, attributeEmail: who.email, attributePhone: who.phone, attributeName: who.name,
	} {
		if value != "" {
			body[name] = value
		}
	}
	var made newContact
	err := c.post(ctx, "/contacts", body, &made)
	if err == nil && made.Payload.Contact.ID == "" {
		err = provider.Errorf(provider.ClassTransient, "the answer holds no contact")
	}
	return made.Payload.Contact, err
}
