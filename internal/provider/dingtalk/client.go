package dingtalk

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

const (
	pathToken   = "/v1.0/oauth2/accessToken" //nolint:gosec // a path
	pathGroup   = "/v1.0/robot/groupMessages/send"
	headerToken = "X-Acs-Dingtalk-Access-Token" //nolint:gosec // a name

	qpsPause = time.Second
	banPause = 5 * time.Minute // of an address that called far too often
)

// refusal is an answer that says no, with its code.
type refusal struct {
	error

	code string
}

// Unwrap returns the judged error.
func (r *refusal) Unwrap() error { return r.error }

func codeOf(err error) string {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.code
	}
	return ""
}

// judge turns an answer into an error. DingTalk's own code says more than the status.
func judge(now handoff.Clock) func(int, http.Header, []byte) error {
	return func(status int, header http.Header, body []byte) error {
		var answer struct {
			Code      string `json:"code"`
			Message   string `json:"message"`
			RequestID string `json:"requestid"`
		}
		said := json.Unmarshal(body, &answer) == nil && answer.Code != ""
		text := body
		if said {
			text = []byte(answer.Code + " " + answer.Message + " (requestid " + answer.RequestID + ")")
		}
		e, failed := errors.AsType[*provider.Error](provider.FromStatus(status, header, now(), text))
		if !failed {
			return nil
		}
		if !said {
			if status == http.StatusForbidden && strings.Contains(string(body), "punish") {
				e.Class, e.RetryAfter = provider.ClassRateLimited, banPause
			}
			return e
		}
		classify(e, answer.Code)
		return &refusal{e, answer.Code}
	}
}

func classify(e *provider.Error, code string) {
	has := func(part string) bool { return strings.Contains(strings.ToLower(code), part) }
	switch {
	case has("invalidauthentication"):
		e.Class = provider.ClassCredentials
	case has("permissiondenied"), has("apicountlimit"):
		// A permission has to be granted, or the month's calls are used up: nothing
		// gets through until somebody acts, or the month ends.
		e.Class = provider.ClassIncomplete
	case has("qpslimit"), has("throttling"):
		e.Class, e.RetryAfter = provider.ClassRateLimited, max(e.RetryAfter, qpsPause)
	case has("serviceunavailable"):
		e.Class = provider.ClassTransient
	case e.Status == http.StatusForbidden:
		e.Class = provider.ClassRejected
	}
}

// untouched tells that a call did nothing at all, so that the next attempt is no
// repeat.
func untouched(err error) error {
	e, ok := errors.AsType[*provider.Error](err)
	if !ok {
		return err
	}
	dial, isNet := errors.AsType[*net.OpError](err)
	if e.Class == provider.ClassRateLimited || isNet && dial.Op == "dial" {
		e.Undone = true
	}
	return err
}

// tokenKey changes with the credentials.
func (a *Adapter) tokenKey() string { return a.base + "\x00" + a.id + "\x00" + a.secret }

// fetchToken asks for a token, which proves id and secret.
func (a *Adapter) fetchToken(ctx context.Context) (provider.Token, error) {
	var got struct {
		AccessToken string `json:"accessToken"`
		ExpireIn    int64  `json:"expireIn"`
	}
	err := a.rest.Do(ctx, restapi.Call{
		Method: http.MethodPost, Path: pathToken, Body: map[string]string{"appKey": a.id, "appSecret": a.secret}, Into: &got,
	})
	if err != nil {
		// What DingTalk itself says of a wrong id or secret is only known to be one of these.
		e, ok := errors.AsType[*provider.Error](err)
		if ok && codeOf(err) != "" && (e.Status == http.StatusBadRequest || e.Status == http.StatusUnauthorized) {
			e.Class = provider.ClassCredentials
		}
		return provider.Token{}, err
	}
	if got.AccessToken == "" {
		return provider.Token{}, provider.Errorf(provider.ClassTransient, "the answer holds no token")
	}
	return provider.Token{Value: got.AccessToken, Expires: a.now().Add(time.Duration(got.ExpireIn) * time.Second)}, nil
}

func (a *Adapter) token(ctx context.Context) (string, error) {
	token, err := a.tokens.Get(ctx, a.tokenKey(), a.fetchToken)
	if e, ok := errors.AsType[*provider.Error](err); ok {
		e.Undone = true // the call itself was not made
	}
	return token, err
}

// do makes a call with a token; a token that is refused is renewed, once.
func (a *Adapter) do(ctx context.Context, method, path string, body, into any) error {
	token, err := a.token(ctx)
	if err != nil {
		return err
	}
	call := restapi.Call{Method: method, Path: path, Body: body, Into: into, Header: http.Header{headerToken: {token}}}
	err = a.rest.Do(ctx, call)
	if !strings.Contains(strings.ToLower(codeOf(err)), "invalidauthentication") {
		return untouched(err)
	}
	a.tokens.Drop(a.tokenKey(), token)
	if token, err = a.token(ctx); err != nil {
		return err
	}
	call.Header = http.Header{headerToken: {token}}
	return untouched(a.rest.Do(ctx, call))
}

// post writes to the group and returns what a quote of it is known by; otherwise is
// what it is called if DingTalk does not say.
func (a *Adapter) post(ctx context.Context, text, otherwise string) (string, error) {
	if a.group == "" {
		return "", errNoGroup()
	}
	param, err := encode(map[string]string{"content": text})
	if err != nil {
		return "", err
	}
	var got struct {
		ProcessQueryKey string `json:"processQueryKey"`
	}
	err = a.do(ctx, http.MethodPost, pathGroup, map[string]string{
		"robotCode": a.robot, "openConversationId": a.group, "msgKey": "sampleText", "msgParam": param,
	}, &got)
	if err != nil {
		return "", err
	}
	if got.ProcessQueryKey == "" {
		return otherwise, nil
	}
	return got.ProcessQueryKey, nil
}

func errNoGroup() error {
	return provider.Errorf(provider.ClassIncomplete, "the group is not known yet: mention the robot once in your humans' group, as in “@robot hello”, or enter open_conversation_id")
}

// encode is JSON within JSON, as DingTalk has it.
func encode(value any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(value)
	return strings.TrimSuffix(b.String(), "\n"), err
}
