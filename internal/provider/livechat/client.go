package livechat

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// Types of errors that change what we do next.
const (
	errAuthentication = "authentication"
	errAuthorization  = "authorization"
	errMissingAccess  = "missing_access"
	errMisdirected    = "misdirected_request"
	errChatInactive   = "chat_inactive"
	errNotFound       = "not_found"
	errAnonymized     = "chat_anonymized"
	errLimitReached   = "limit_reached"
	errGroupNotFound  = "group_not_found"
)

// classes are what can be done about each type of error; the documents list types,
// not statuses. What is not here is judged by the status.
var classes = map[string]provider.Class{
	errAuthentication: provider.ClassCredentials, errAuthorization: provider.ClassCredentials, errMissingAccess: provider.ClassCredentials,
	"license_expired": provider.ClassCredentials, "license_not_found": provider.ClassCredentials,
	"invalid_client": provider.ClassCredentials, "unauthorized_client": provider.ClassCredentials, "forbidden": provider.ClassCredentials,
	"invalid_grant": provider.ClassConsent, "access_denied": provider.ClassConsent,
	"wrong_product_version": provider.ClassIncomplete, "unsupported_version": provider.ClassIncomplete, errGroupNotFound: provider.ClassIncomplete,
	"too_many_requests": provider.ClassRateLimited,
	"request_timeout":   provider.ClassTransient, "service_unavailable": provider.ClassTransient, "internal": provider.ClassTransient,
	errMisdirected: provider.ClassTransient, "server_error": provider.ClassTransient, "temporarily_unavailable": provider.ClassTransient,
	"groups_offline": provider.ClassTransient, "group_offline": provider.ClassTransient,
	"group_unavailable": provider.ClassTransient, "agent_offline": provider.ClassTransient,
	errChatInactive: provider.ClassRejected, errAnonymized: provider.ClassRejected, errNotFound: provider.ClassRejected,
	"validation": provider.ClassRejected, "entity_too_large": provider.ClassRejected, "already_exists": provider.ClassRejected,
	errLimitReached: provider.ClassRejected, "customer_banned": provider.ClassRejected,
}

// refusal is an answer that says no, with its type of error.
type refusal struct {
	error

	kind   string
	region string // where the organization really is, of a call to the wrong place
}

// Unwrap returns the judged error.
func (r *refusal) Unwrap() error { return r.error }

// kindOf returns the vendor's type of an error; empty if it told none.
func kindOf(err error) string {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.kind
	}
	return ""
}

// isForbidden reports whether the app lacks the scope for a call.
func isForbidden(err error) bool {
	kind := kindOf(err)
	return kind == errAuthorization || kind == errMissingAccess
}

// isStale reports whether a call may go well with a new token.
func isStale(err error) bool {
	e, ok := errors.AsType[*provider.Error](err)
	return kindOf(err) == errAuthentication || ok && e.Status == http.StatusUnauthorized
}

// errorBody is how the vendor's APIs say no, each in its own way.
type errorBody struct {
	Error            json.RawMessage `json:"error"` // an object, or the word of OAuth
	ErrorDescription string          `json:"error_description"`
	OAuthException   string          `json:"oauth_exception"`
	Description      string          `json:"exception_description"`
}

// judge turns an answer into an error, without the secrets of the call.
func (a *Adapter) judge(status int, header http.Header, body []byte, secrets []string) error {
	for _, secret := range secrets {
		if secret != "" {
			body = bytes.ReplaceAll(body, []byte(secret), []byte("[redacted]"))
		}
	}
	kind, message, region := explain(body)
	quoted := body
	if kind != "" {
		quoted = []byte(strings.TrimSuffix(kind+": "+message, ": "))
	}
	err := provider.FromStatus(status, header, a.deps.Now(), quoted)
	if err == nil || kind == "" {
		return err
	}
	if class, known := classes[kind]; known {
		if e, ok := errors.AsType[*provider.Error](err); ok {
			e.Class = class
		}
	}
	return &refusal{error: err, kind: kind, region: region}
}

// explain reads what an answer says of an error; an empty kind if it says nothing.
func explain(body []byte) (kind, message, region string) {
	var b errorBody
	if json.Unmarshal(body, &b) != nil {
		return "", "", ""
	}
	var object struct {
		Type    string `json:"type"`
		Message string `json:"message"`
		Data    struct {
			Region string `json:"region"`
		} `json:"data"`
	}
	var word string
	switch {
	case json.Unmarshal(b.Error, &object) == nil && object.Type != "":
		return object.Type, object.Message, object.Data.Region
	case json.Unmarshal(b.Error, &word) == nil && word != "":
		return word, b.ErrorDescription, ""
	default:
		return b.OAuthException, b.Description, ""
	}
}

// call is one call of a JSON API.
type call struct {
	base    string
	path    string
	method  string // empty = POST
	token   string
	region  string
	cookie  string
	body    any
	into    any
	seen    func(http.Header)
	secrets []string // what else the call carries
}

// do makes a call. One that went to the wrong region is made again in the right one.
func (a *Adapter) do(ctx context.Context, c call) error {
	err := a.once(ctx, c)
	if r, ok := errors.AsType[*refusal](err); ok && r.kind == errMisdirected && r.region != "" && r.region != c.region {
		c.region = r.region
		return a.once(ctx, c)
	}
	return err
}

func (a *Adapter) once(ctx context.Context, c call) error {
	header := http.Header{}
	if c.token != "" {
		header.Set("Authorization", "Bearer "+c.token)
	}
	if c.region != "" {
		header.Set("X-Region", c.region)
	}
	if c.cookie != "" {
		header.Set("Cookie", c.cookie)
	}
	secrets := slices.Concat(c.secrets, []string{c.token, c.cookie, a.webhookSecret})
	rest := restapi.Client{
		HTTP: a.deps.HTTP, Now: a.deps.Now, Base: c.base,
		Judge: func(status int, header http.Header, body []byte) error { return a.judge(status, header, body, secrets) },
	}
	body := c.body
	if body == nil && c.method != http.MethodGet {
		body = struct{}{}
	}
	return rest.Do(ctx, restapi.Call{
		Method: cmp.Or(c.method, http.MethodPost), Path: c.path, Body: body, Into: c.into, Header: header, Seen: c.seen,
	})
}

// regionOf is where a token's organization is, as far as it has to be said: the
// United States are the default.
func regionOf(token string) string {
	if strings.HasPrefix(token, "fra") {
		return "fra"
	}
	return ""
}

// asCustomer calls an action of the Customer Chat API.
func (a *Adapter) asCustomer(ctx context.Context, who customer, action string, body, into any) error {
	return a.renewing(ctx, func(ctx context.Context) (string, error) { return a.customerToken(ctx, who) },
		func(token string) { a.deps.Tokens.Drop(a.customerKey(who.Entity), token) },
		func(token string) error {
			return a.do(ctx, call{
				base: a.api, path: "/customer/action/" + action + "?organization_id=" + url.QueryEscape(a.config.GetOrganizationId()),
				token: token, region: regionOf(token), body: body, into: into,
			})
		})
}

// asAgent calls an action of the Agent Chat or Configuration API, in the name of
// who consented.
func (a *Adapter) asAgent(ctx context.Context, path string, body, into any) error {
	return a.withAgent(ctx, func(token string) error {
		return a.do(ctx, call{base: a.api, path: path, token: token, region: regionOf(token), body: body, into: into})
	})
}

// withAgent makes a call that needs the token of who consented.
func (a *Adapter) withAgent(ctx context.Context, do func(token string) error) error {
	return a.renewing(ctx, a.agentToken, func(token string) { a.deps.Tokens.Drop(a.agentKey(), token) }, do)
}

// renewing makes a call with a token, and once more with a new one if the vendor
// does not take it: tokens can end before their time.
func (a *Adapter) renewing(ctx context.Context, get func(context.Context) (string, error), drop func(string), do func(token string) error) error {
	token, err := get(ctx)
	if err != nil {
		return err
	}
	err = do(token)
	if !isStale(err) {
		return err
	}
	drop(token)
	fresh, again := get(ctx)
	if again != nil {
		return again
	}
	if fresh == token {
		return err
	}
	return do(fresh)
}
