package livechat

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/human-handoff/handoff/internal/provider"
)

var _ provider.Authorizer = (*Adapter)(nil)

// defaultLife is how long a token is good whose end is not told.
const defaultLife = 8 * time.Hour

// oauth is the app as the Accounts API knows it.
func (a *Adapter) oauth(redirectURL string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: a.config.GetClientId(), ClientSecret: a.config.GetClientSecret(), RedirectURL: redirectURL,
		Endpoint: oauth2.Endpoint{
			AuthURL: a.accounts + "/", TokenURL: a.accounts + "/v2/token", AuthStyle: oauth2.AuthStyleInParams,
		},
	}
}

// AuthorizeURL implements provider.Authorizer.
func (a *Adapter) AuthorizeURL(redirectURL, state string) string {
	if a.cookie {
		return ""
	}
	return a.oauth(redirectURL).AuthCodeURL(state)
}

// Exchange implements provider.Authorizer.
func (a *Adapter) Exchange(ctx context.Context, g provider.Grant) (map[string]string, error) {
	if a.cookie {
		return nil, provider.Errorf(provider.ClassRejected, "customers are told apart by cookies, which takes no consent")
	}
	code := g.Code
	if decoded, err := url.PathUnescape(code); err == nil {
		code = decoded // some pages of the vendor escape it twice
	}
	token, err := a.oauth(g.RedirectURL).Exchange(a.withHTTP(ctx), code)
	if err != nil {
		err = a.judgeOAuth(err, code)
		if kindOf(err) == "invalid_grant" {
			return nil, provider.Errorf(provider.ClassConsent, "LiveChat does not take the code of this consent: it was used, or its few minutes are over; open the link that GetProvider tells as authorize_url once more (%s)", kindOf(err))
		}
		return nil, err
	}
	organization, _ := token.Extra("organization_id").(string)
	if organization == "" {
		info, err := a.info(ctx, token.AccessToken)
		if err != nil {
			return nil, err
		}
		organization = info.OrganizationID
	}
	if organization != a.config.GetOrganizationId() {
		return nil, provider.Errorf(provider.ClassConsent,
			"the consent was given for the organization %s, and this connection is to %s; sign in to LiveChat there and open the link that GetProvider tells as authorize_url", organization, a.config.GetOrganizationId())
	}
	if token.RefreshToken == "" {
		return nil, provider.Errorf(provider.ClassIncomplete, "LiveChat gave no refresh token; the app has to be a server-side app in the block App Authorization")
	}
	a.deps.Tokens.Put(a.key("agent", a.config.GetClientId(), a.config.GetClientSecret(), token.RefreshToken), a.tokenOf(token.AccessToken, token.ExpiresIn))
	return map[string]string{"refresh_token": token.RefreshToken}, nil
}

// withHTTP has package oauth2 use the guarded client.
func (a *Adapter) withHTTP(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, a.deps.HTTP)
}

// judgeOAuth turns an error of package oauth2 into one of the port.
func (a *Adapter) judgeOAuth(err error, secrets ...string) error {
	secrets = append(secrets, a.config.GetClientSecret(), a.config.GetRefreshToken())
	for _, secret := range slices.Clone(secrets) {
		secrets = append(secrets, url.QueryEscape(secret)) // as the form has it
	}
	if r, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		if judged := a.judge(r.Response.StatusCode, r.Response.Header, r.Body, secrets); judged != nil {
			return judged
		}
		return provider.Errorf(provider.ClassTransient, "the answer about a token is not what it should be")
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return provider.Errorf(provider.ClassTransient, "%w", u)
	}
	return provider.Errorf(provider.ClassTransient, "the answer about a token could not be read")
}

func (a *Adapter) tokenOf(value string, seconds int64) provider.Token {
	life := time.Duration(seconds) * time.Second
	if seconds <= 0 {
		life = defaultLife
	}
	return provider.Token{Value: value, Expires: a.deps.Now().Add(life)}
}

// key is a key of tokens: it changes with all that they depend on.
func (a *Adapter) key(parts ...string) string {
	digest := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(digest[:])
}

func (a *Adapter) agentKey() string {
	return a.key("agent", a.config.GetClientId(), a.config.GetClientSecret(), a.config.GetRefreshToken())
}

func (a *Adapter) customerKey(entity string) string {
	return a.key("customer", a.config.GetClientId(), a.config.GetOrganizationId(), entity)
}

// agentToken returns a token of who consented.
func (a *Adapter) agentToken(ctx context.Context) (string, error) {
	if a.config.GetRefreshToken() == "" {
		return "", provider.Errorf(provider.ClassConsent, "somebody who administers LiveChat has to consent first: open the link that GetProvider tells as authorize_url")
	}
	return a.deps.Tokens.Get(ctx, a.agentKey(), a.refresh)
}

func (a *Adapter) refresh(ctx context.Context) (provider.Token, error) {
	given := a.config.GetRefreshToken()
	token, err := a.oauth("").TokenSource(a.withHTTP(ctx), &oauth2.Token{RefreshToken: given}).Token()
	if err != nil {
		err = a.judgeOAuth(err)
		if provider.ClassOf(err) == provider.ClassConsent {
			return provider.Token{}, provider.Errorf(provider.ClassConsent, "LiveChat has ended the consent; open the link that GetProvider tells as authorize_url (%s)", kindOf(err))
		}
		return provider.Token{}, err
	}
	if token.RefreshToken != "" && token.RefreshToken != given && a.deps.Renew != nil {
		if err := a.deps.Renew(ctx, map[string]string{"refresh_token": token.RefreshToken}); err != nil {
			return provider.Token{}, provider.Errorf(provider.ClassTransient, "keep the new refresh token: %w", err)
		}
	}
	return a.tokenOf(token.AccessToken, token.ExpiresIn), nil
}

// tokenInfo is what the Accounts API tells of a token.
type tokenInfo struct {
	OrganizationID string          `json:"organization_id"`
	Scope          json.RawMessage `json:"scope"` // a text, or a list
}

func (a *Adapter) info(ctx context.Context, token string) (tokenInfo, error) {
	var info tokenInfo
	err := a.do(ctx, call{base: a.accounts, path: "/v2/info", method: http.MethodGet, token: token, into: &info})
	return info, err
}

// customer is who a session's customer is at LiveChat.
type customer struct {
	Entity  string `json:"customer"`
	Cookies string `json:"cookies,omitempty"` // sealed; what tells the customer apart by cookies
}

// tokenAnswer is a customer's token.
type tokenAnswer struct {
	AccessToken    string `json:"access_token"`
	EntityID       string `json:"entity_id"`
	ExpiresIn      int64  `json:"expires_in"`
	OrganizationID string `json:"organization_id"`
}

// customerToken returns a token of a known customer.
func (a *Adapter) customerToken(ctx context.Context, who customer) (string, error) {
	return a.deps.Tokens.Get(ctx, a.customerKey(who.Entity), func(ctx context.Context) (provider.Token, error) {
		answer, _, err := a.identify(ctx, who)
		return a.tokenOf(answer.AccessToken, answer.ExpiresIn), err
	})
}

// newCustomer makes a customer, who has no name and no chat yet.
func (a *Adapter) newCustomer(ctx context.Context) (customer, error) {
	answer, cookies, err := a.identify(ctx, customer{})
	if err != nil {
		return customer{}, err
	}
	a.deps.Tokens.Put(a.customerKey(answer.EntityID), a.tokenOf(answer.AccessToken, answer.ExpiresIn))
	who := customer{Entity: answer.EntityID}
	if a.cookie {
		who.Cookies = cookies
		if a.deps.Seal != nil {
			who.Cookies = a.deps.Seal(cookies)
		}
	}
	return who, nil
}

// identify gets a customer's token; without an entity that of a new customer.
func (a *Adapter) identify(ctx context.Context, who customer) (answer tokenAnswer, cookies string, err error) {
	c := call{base: a.accounts, path: "/v2/customer/token", into: &answer}
	if a.cookie {
		cookies, err = a.byCookie(ctx, c, who)
	} else {
		body := map[string]any{"grant_type": "agent_token", "client_id": a.config.GetClientId(), "response_type": "token"}
		if who.Entity != "" {
			body["entity_id"] = who.Entity
		}
		c.body = body
		err = a.withAgent(ctx, func(token string) error {
			c.token, c.region = token, regionOf(token)
			return a.do(ctx, c)
		})
	}
	switch {
	case err != nil:
		return tokenAnswer{}, "", err
	case answer.AccessToken == "" || answer.EntityID == "":
		return tokenAnswer{}, "", provider.Errorf(provider.ClassTransient, "the answer holds no customer")
	case answer.OrganizationID != "" && answer.OrganizationID != a.config.GetOrganizationId():
		return tokenAnswer{}, "", provider.Errorf(provider.ClassConsent, "the consent is for the organization %s, and this connection is to %s", answer.OrganizationID, a.config.GetOrganizationId())
	}
	return answer, cookies, nil
}

// identityCookies are those that tell a customer apart.
var identityCookies = []string{"__lc_cid", "__lc_cst"}

// byCookie gets a token by the cookie grant and returns the customer's cookies.
func (a *Adapter) byCookie(ctx context.Context, c call, who customer) (string, error) {
	if who.Cookies != "" {
		c.cookie = who.Cookies
		if a.deps.Unseal != nil {
			plain, err := a.deps.Unseal(who.Cookies)
			if err != nil {
				return "", provider.Errorf(provider.ClassRejected, "the customer's cookies cannot be opened: %w", err)
			}
			c.cookie = plain
		}
	}
	c.body = map[string]any{
		"grant_type": "cookie", "client_id": a.config.GetClientId(), "organization_id": a.config.GetOrganizationId(),
		"response_type": "token", "redirect_uri": a.deps.ReceiveURL + "/oauth",
	}
	for pair := range strings.SplitSeq(c.cookie, "; ") {
		_, value, _ := strings.Cut(pair, "=")
		c.secrets = append(c.secrets, value)
	}
	cookies := c.cookie
	c.seen = func(header http.Header) {
		var pairs []string
		for _, cookie := range (&http.Response{Header: header}).Cookies() {
			if slices.Contains(identityCookies, cookie.Name) {
				pairs = append(pairs, cookie.Name+"="+cookie.Value)
			}
		}
		if len(pairs) == len(identityCookies) {
			cookies = strings.Join(pairs, "; ")
		}
	}
	err := a.do(ctx, c)
	if err == nil && cookies == "" {
		err = provider.Errorf(provider.ClassTransient, "the answer holds no cookies")
	}
	return cookies, err
}
