package livechattest

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"
)

// maxLive is how many tokens of a kind live at once for a client and a user; the
// oldest ends.
const maxLive = 25

func (e *Emulator) newRefresh(organization string) string {
	value := e.Region + ":" + rand.Text()
	e.refresh[value] = organization
	return value
}

func (e *Emulator) newToken(live map[string]*token, t token, most int) string {
	t.made, t.ends = e.now(), e.now().Add(e.TokenLife)
	value := e.Region + ":" + rand.Text()
	live[value] = &t
	if most > 0 && len(live) > most {
		oldest := value
		for key, other := range live {
			if other.made.Before(live[oldest].made) {
				oldest = key
			}
		}
		delete(live, oldest)
	}
	return value
}

// exchange turns a code or a refresh token into an access token.
func (e *Emulator) exchange(_ http.ResponseWriter, r *http.Request, body []byte) (any, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		return nil, oauthError{http.StatusBadRequest, "invalid_request", "the body has to be a form", false}
	}
	if form.Get("client_id") != e.ClientID || form.Get("client_secret") != e.ClientSecret {
		return nil, oauthError{http.StatusUnauthorized, "invalid_client", "Client authentication failed", false}
	}
	var organization, refresh string
	switch form.Get("grant_type") {
	case "authorization_code":
		organization, refresh = e.redeem(form.Get("code"), form.Get("redirect_uri"))
	case "refresh_token":
		organization, refresh = e.renew(form.Get("refresh_token"))
	default:
		return nil, oauthError{http.StatusBadRequest, "unsupported_grant_type", "no such grant", false}
	}
	if organization == "" {
		return nil, oauthError{http.StatusBadRequest, "invalid_grant", "The grant is invalid, expired or revoked", false}
	}
	return map[string]any{
		"access_token": e.newToken(e.agents, token{organization: organization}, maxLive), "refresh_token": refresh,
		"account_id": "b7eff798-f8df-4364-8059-649c35c9ed0c", "organization_id": organization,
		"expires_in": int64(e.TokenLife / time.Second), "scope": e.Scopes, "token_type": "Bearer",
	}, nil
}

// redeem takes a code, which is good once; no organization if it is not good.
func (e *Emulator) redeem(value, redirect string) (organization, refresh string) {
	c := e.codes[value]
	delete(e.codes, value)
	if c == nil || !e.now().Before(c.ends) || c.redirect != redirect {
		return "", ""
	}
	return c.organization, e.newRefresh(c.organization)
}

// renew takes a refresh token; no organization if it is not good.
func (e *Emulator) renew(given string) (organization, refresh string) {
	organization = e.refresh[given]
	if organization == "" || e.revoked {
		return "", ""
	}
	if !e.Rotates {
		return organization, given
	}
	delete(e.refresh, given)
	return organization, e.newRefresh(organization)
}

func (e *Emulator) info(_ http.ResponseWriter, r *http.Request, _ []byte) (any, error) {
	t := e.agentToken(r)
	if t == nil {
		return nil, oauthError{http.StatusUnauthorized, "unauthorized_client", "Invalid access token", false}
	}
	return map[string]any{
		"access_token": bearer(r), "client_id": e.ClientID, "organization_id": t.organization,
		"scope": e.Scopes, "expires_in": int64(t.ends.Sub(e.now()) / time.Second), "token_type": "Bearer",
	}, nil
}

type tokenRequest struct {
	GrantType      string `json:"grant_type"`
	ClientID       string `json:"client_id"`
	OrganizationID string `json:"organization_id"`
	ResponseType   string `json:"response_type"`
	RedirectURI    string `json:"redirect_uri"`
	EntityID       string `json:"entity_id"`
}

// customerToken makes a token of a customer, and the customer if none is named.
func (e *Emulator) customerToken(w http.ResponseWriter, r *http.Request, body []byte) (any, error) {
	var given tokenRequest
	if err := decode(r, body, &given); err != nil {
		return nil, oauthError{http.StatusBadRequest, "invalid_request", err.Error(), true}
	}
	if given.ClientID != e.ClientID {
		return nil, oauthError{http.StatusUnauthorized, "invalid_client", "no such client", true}
	}
	var c *customer
	var err error
	switch given.GrantType {
	case "agent_token":
		c, err = e.byAgent(r, given)
	case "cookie":
		c, err = e.byCookie(w, r, given)
	default:
		err = oauthError{http.StatusBadRequest, "unsupported_grant_type", "no such grant", true}
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"access_token": e.newToken(e.tokens, token{organization: e.OrganizationID, entity: c.ID}, 0),
		"client_id":    e.ClientID, "entity_id": c.ID, "organization_id": e.OrganizationID,
		"expires_in": int64(e.TokenLife / time.Second), "token_type": "Bearer",
	}, nil
}

func (e *Emulator) byAgent(r *http.Request, given tokenRequest) (*customer, error) {
	if e.agentToken(r) == nil {
		return nil, oauthError{http.StatusUnauthorized, "access_denied", "Invalid access token", true}
	}
	if given.EntityID == "" {
		return e.newCustomer(), nil
	}
	if c := e.customers[given.EntityID]; c != nil {
		return c, nil
	}
	return nil, oauthError{http.StatusBadRequest, "invalid_request", "no such entity", true}
}

// byCookie knows a customer by both cookies. Wrong ones are those of somebody new.
func (e *Emulator) byCookie(w http.ResponseWriter, r *http.Request, given tokenRequest) (*customer, error) {
	u, err := url.Parse(given.RedirectURI)
	switch {
	case e.revoked:
		return nil, oauthError{http.StatusUnauthorized, "unauthorized_client", "the app is not installed", true}
	case given.OrganizationID != e.OrganizationID:
		return nil, oauthError{http.StatusBadRequest, "invalid_request", "no such organization", true}
	case given.EntityID != "" || err != nil || u.Host == "" || u.Path == "":
		return nil, oauthError{http.StatusBadRequest, "invalid_request", "redirect_uri is not whitelisted", true}
	}
	c := e.withCookies(r)
	if c == nil {
		c = e.newCustomer()
	}
	for name, value := range map[string]string{"__lc_cid": c.ID, "__lc_cst": c.secret} {
		w.Header().Add("Set-Cookie", name+"="+value+"; Path=/customer; Domain=accounts.livechat.com; Max-Age=63072000; HttpOnly; Secure; SameSite=None")
	}
	return c, nil
}

// withCookies returns the customer that the cookies are of; nil if it is nobody's.
func (e *Emulator) withCookies(r *http.Request) *customer {
	id, err := r.Cookie("__lc_cid")
	if err != nil {
		return nil
	}
	secret, err := r.Cookie("__lc_cst")
	if c := e.customers[id.Value]; c != nil && err == nil && secret.Value == c.secret {
		return c
	}
	return nil
}

func (e *Emulator) newCustomer() *customer {
	c := &customer{ID: uuid.NewString(), secret: hexadecimal(32)}
	e.customers[c.ID] = c
	return c
}
