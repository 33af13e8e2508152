package wecom

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// Codes of errors that are looked at one by one.
const (
	codeBusy      = -1
	codeUntrusted = 60020
	limitPause    = time.Minute // WeCom counts by minutes, and does not say how long to wait
	maxErrorText  = 300
)

// The classes of the other codes.
var (
	credentialCodes = []int{40001, 40013, 40056, 40091, 41002, 41004, 301002, 48002}
	tokenCodes      = []int{40014, 41001, 42001}
	limitCodes      = []int{45009, 45033}
)

// refusal is an answer that says no, with its code.
type refusal struct {
	error

	code int
	text string
}

// Unwrap returns the judged error.
func (r *refusal) Unwrap() error { return r.error }

// answer is what all answers begin with. All have the status 200.
type answer struct {
	Code int    `json:"errcode"`
	Text string `json:"errmsg"`
}

var seenAddress = regexp.MustCompile(`from ip: ?([0-9A-Fa-f.:]*[0-9A-Fa-f])`)

// judge turns an answer into an error; the code says more than the status.
func (a *Adapter) judge(status int, header http.Header, body []byte) error {
	if err := provider.FromStatus(status, header, a.now(), body); err != nil {
		return err
	}
	var got answer
	if json.Unmarshal(body, &got) != nil || got.Code == 0 {
		return nil //nolint:nilerr // what is no JSON is told by the caller
	}
	text := strings.Join(strings.Fields(got.Text), " ")
	if runes := []rune(text); len(runes) > maxErrorText {
		text = string(runes[:maxErrorText]) + "…"
	}
	err := provider.Errorf(classOf(got.Code), "WeCom answered %d %s", got.Code, text)
	switch {
	case got.Code == codeUntrusted:
		err.Err = untrusted(got.Text)
	case err.Class == provider.ClassRateLimited:
		err.RetryAfter = limitPause
	}
	return &refusal{err, got.Code, got.Text}
}

func classOf(code int) provider.Class {
	switch {
	case code == codeBusy:
		return provider.ClassTransient
	case code == codeUntrusted:
		return provider.ClassIncomplete
	case slices.Contains(limitCodes, code):
		return provider.ClassRateLimited
	case slices.Contains(credentialCodes, code), slices.Contains(tokenCodes, code):
		return provider.ClassCredentials
	default:
		return provider.ClassRejected
	}
}

// untrusted tells an administrator which address to enter, and where.
func untrusted(text string) error {
	address := "this server's public address"
	if found := seenAddress.FindStringSubmatch(text); found != nil {
		address = found[1]
	}
	return errors.New("60020: WeCom does not trust the address " + address + ": enter it in the WeCom console under " +
		"应用管理 (App Management), your app, 企业可信IP (Company's Trusted IP)")
}

// codeOf returns the code of an error; 0 if it has none.
func codeOf(err error) int {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.code
	}
	return 0
}

// tokenKey changes with all that a token is got by.
func (a *Adapter) tokenKey() string {
	sum := sha256.Sum256([]byte(a.rest.Base + "\n" + a.corp + "\n" + a.secret))
	return "wecom:" + hex.EncodeToString(sum[:])
}

func (a *Adapter) newToken(ctx context.Context) (provider.Token, error) {
	query := url.Values{"corpid": {a.corp}, "corpsecret": {a.secret}}
	var got struct {
		Token   string `json:"access_token"`
		Expires int64  `json:"expires_in"`
	}
	err := a.do(ctx, restapi.Call{Method: http.MethodGet, Path: "/cgi-bin/gettoken?" + query.Encode(), Into: &got})
	if err != nil {
		return provider.Token{}, err
	}
	if got.Token == "" {
		return provider.Token{}, provider.Errorf(provider.ClassTransient, "the answer holds no access token")
	}
	return provider.Token{Value: got.Token, Expires: a.now().Add(time.Duration(got.Expires) * time.Second)}, nil
}

// call makes a call with the access token. WeCom may end one early: then it is
// renewed, and the call made once more.
func (a *Adapter) call(ctx context.Context, method, path string, query url.Values, body, into any) error {
	key := a.tokenKey()
	for again := false; ; again = true {
		token, err := a.tokens.Get(ctx, key, a.newToken)
		if err != nil {
			return err
		}
		with := url.Values{"access_token": {token}}
		maps.Copy(with, query)
		err = a.do(ctx, restapi.Call{Method: method, Path: "/cgi-bin/" + path + "?" + with.Encode(), Body: body, Into: into})
		if !slices.Contains(tokenCodes, codeOf(err)) {
			return err
		}
		a.tokens.Drop(key, token)
		if again {
			return err
		}
	}
}

// do makes a call. Tokens and the secret stand in addresses here, so that no
// address may get into an error.
func (a *Adapter) do(ctx context.Context, call restapi.Call) error {
	rest := a.rest
	rest.Judge = a.judge
	err := rest.Do(ctx, call)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		path, _, _ := strings.Cut(call.Path, "?")
		return provider.Errorf(provider.ClassTransient, "%s %s: %w", call.Method, path, failed.Err)
	}
	return err
}

// Check implements provider.Adapter: it proves the secret, the app, and that our
// address is trusted.
func (a *Adapter) Check(ctx context.Context) error {
	return a.call(ctx, http.MethodGet, "agent/get", url.Values{"agentid": {strconv.FormatInt(a.app, 10)}}, nil, nil)
}

// sent is the answer to a message.
type sent struct {
	MsgID        string `json:"msgid"`
	InvalidUser  string `json:"invaliduser"`
	Unlicensed   string `json:"unlicenseduser"`
	ResponseCode string `json:"response_code"`
}

// receivers is whom a message goes to.
type receivers struct{ users, parties, tags string }

func (a *Adapter) all() receivers {
	return receivers{strings.Join(a.desk.users, "|"), a.desk.parties, a.desk.tags}
}

// repeatsFor is how long WeCom is asked to drop a message that it has had before, at
// most four hours. It is all that there is against repeats.
const repeatsFor = 4 * 60 * 60

// post sends a message.
func (a *Adapter) post(ctx context.Context, to receivers, m message) (sent, error) {
	body := map[string]any{"msgtype": m.kind, m.kind: m.body, "agentid": a.app}
	if m.once {
		body["enable_duplicate_check"], body["duplicate_check_interval"] = 1, repeatsFor
	}
	for name, value := range map[string]string{"touser": to.users, "toparty": to.parties, "totag": to.tags} {
		if value != "" {
			body[name] = value
		}
	}
	var got sent
	err := a.call(ctx, http.MethodPost, "message/send", nil, body, &got)
	if err != nil && isRepeat(err) {
		return sent{}, nil
	}
	return got, err
}

// isRepeat reports whether WeCom refused a card since it has had it before.
func isRepeat(err error) bool {
	r, ok := errors.AsType[*refusal](err)
	if !ok {
		return false
	}
	text := strings.ReplaceAll(strings.ToLower(r.text), " ", "")
	return (strings.Contains(text, "task_id") || strings.Contains(text, "taskid")) &&
		(strings.Contains(text, "duplicate") || strings.Contains(text, "repeat") || strings.Contains(text, "exist"))
}

// write sends messages to one member, of which some may have got there before, and
// tells of each that was taken. Admit is asked before each, with how many are left.
func (a *Adapter) write(ctx context.Context, person string, messages []message, admit func(left int) error, noted func(vendorID string)) (last string, err error) {
	for i, m := range messages {
		if err := admit(len(messages) - i); err != nil {
			return "", err
		}
		got, err := a.post(ctx, receivers{users: person}, m)
		if err != nil {
			return "", err
		}
		if got.InvalidUser+got.Unlicensed != "" {
			return "", provider.Errorf(provider.ClassRejected, "WeCom does not reach the member %s: is the app visible to them, and their account licensed?", person)
		}
		last = got.id(m)
		noted(last)
	}
	return last, nil
}

// id is what a message can be known by: a card by the code that changes it.
func (s *sent) id(m message) string {
	switch {
	case s.ResponseCode != "":
		return cardPrefix + s.ResponseCode
	case s.MsgID != "":
		return s.MsgID
	default:
		return m.id // a repeat that WeCom dropped
	}
}

// Name implements provider.Introducer.
func (a *Adapter) Name(ctx context.Context, id string) (string, error) {
	var got struct {
		Name string `json:"name"`
	}
	err := a.call(ctx, http.MethodGet, "user/get", url.Values{"userid": {id}}, nil, &got)
	return got.Name, err
}

// update replaces the buttons of a card by a text, for one member or, where none is
// given, for all who got it. A code is good for once and three days: what WeCom does
// not let through any more is left as it is.
func (a *Adapter) update(ctx context.Context, code, person, label string) error {
	body := map[string]any{"agentid": a.app, "response_code": code, "button": map[string]any{"replace_name": label}}
	if person == "" {
		body["atall"] = 1
	} else {
		body["userids"] = []string{person}
	}
	err := a.call(ctx, http.MethodPost, "message/update_template_card", nil, body, nil)
	if err != nil && provider.ClassOf(err) == provider.ClassRejected {
		return nil
	}
	return err
}
