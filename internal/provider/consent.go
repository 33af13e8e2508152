package provider

import (
	"context"
	"net/url"

	"github.com/human-handoff/handoff/internal/handoff"
)

// Authorizer is an [Adapter] of a vendor that gives out its tokens only after a
// person has agreed to it in a browser: the authorization code grant of OAuth 2
// (RFC 6749, section 4.1). The core makes and checks the state, answers the
// browser that comes back below the receive URL, and keeps what came of it.
//
// Its kind does not count the tokens as missing, and Check fails with
// [ClassConsent] as long as they are, or when the vendor has withdrawn them.
type Authorizer interface {
	// AuthorizeURL returns where the browser has to go for the consent; empty if
	// the configuration needs none. It is pure.
	AuthorizeURL(redirectURL, state string) string

	// Exchange turns the code that a browser came back with into secrets of the
	// configuration, by the names of their fields. Its errors are for the person in
	// front of the browser: ClassConsent for a code that is not good (any more) or
	// a consent that does not fit the configuration.
	Exchange(ctx context.Context, g Grant) (secrets map[string]string, err error)
}

// Grant is what a browser came back with.
type Grant struct {
	Code        string
	RedirectURL string // as it was given to AuthorizeURL
}

// AuthorizeURL is the adapter's [Authorizer]; empty if it is none or needs no consent.
func (c *Conn) AuthorizeURL(redirectURL, state string) (address string) {
	a, ok := c.adapter.(Authorizer)
	if !ok {
		return ""
	}
	defer func() {
		if p := recover(); p != nil {
			c.logPanic(context.Background(), "authorize", p)
			address = ""
		}
	}()
	address = a.AuthorizeURL(redirectURL, state)
	if u, err := url.Parse(address); err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return address
}

// Exchange is the adapter's [Authorizer]; one that is none has nothing to exchange.
func (c *Conn) Exchange(ctx context.Context, g Grant) (secrets map[string]string, err error) {
	a, ok := c.adapter.(Authorizer)
	if !ok {
		return nil, handoff.Errorf(handoff.CodeNotFound, "NO_CONSENT_NEEDED", "this provider asks for no consent")
	}
	err = c.call(ctx, "exchange", Call{}, func(ctx context.Context) (err error) {
		secrets, err = a.Exchange(ctx, g)
		return err
	})
	if err != nil {
		return nil, err
	}
	return secrets, nil
}
