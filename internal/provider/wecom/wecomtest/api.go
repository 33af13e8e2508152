package wecomtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"
)

// tokenFor is how long an access token holds.
const tokenFor = 2 * time.Hour

// refusal is an answer that says no.
type refusal struct {
	code int
	text string
}

// Error implements error.
func (r refusal) Error() string { return fmt.Sprintf("%d %s", r.code, r.text) }

func refuse(code int, format string, args ...any) error {
	return refusal{code, fmt.Sprintf(format, args...)}
}

// handler does one call; the emulator is locked.
type handler func(r *http.Request, body []byte) (map[string]any, error)

func (e *Emulator) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /cgi-bin/gettoken", func(w http.ResponseWriter, r *http.Request) { e.serve(w, r, e.getToken) })
	for pattern, handle := range map[string]handler{
		"GET /cgi-bin/agent/get":                     e.getApp,
		"GET /cgi-bin/user/get":                      e.getUser,
		"POST /cgi-bin/message/send":                 e.postMessage,
		"POST /cgi-bin/message/update_template_card": e.postUpdate,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			e.serve(w, r, func(r *http.Request, body []byte) (map[string]any, error) {
				if err := e.admit(r, body); err != nil {
					return nil, err
				}
				return handle(r, body)
			})
		})
	}
	return mux
}

// ServeHTTP implements emulator.Emulator.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.mux.ServeHTTP(w, r) }

// serve answers: all answers have the status 200.
func (e *Emulator) serve(w http.ResponseWriter, r *http.Request, handle handler) {
	e.mu.Lock()
	defer e.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	got := map[string]any{}
	if err == nil && len(e.refusals) > 0 {
		err, e.refusals = refuse(e.refusals[0], "told to refuse, hint: [1764], more info at https://open.work.weixin.qq.com/devtool/query?e=%d", e.refusals[0]), e.refusals[1:]
	}
	if err == nil {
		got, err = handle(r, body)
	}
	if err != nil {
		refused, ok := errors.AsType[refusal](err)
		if !ok {
			refused = refusal{-1, err.Error()}
		}
		got = map[string]any{"errcode": refused.code, "errmsg": refused.text}
	} else {
		got["errcode"], got["errmsg"] = 0, "ok"
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("Error-Code", fmt.Sprint(got["errcode"]))
	_ = json.NewEncoder(w).Encode(got)
}

func (e *Emulator) getToken(r *http.Request, _ []byte) (map[string]any, error) {
	q := r.URL.Query()
	switch {
	case q.Get("corpid") != CorpID:
		return nil, refuse(40013, "invalid corpid")
	case e.revoked || q.Get("corpsecret") != e.secret:
		return nil, refuse(40001, "invalid credential, hint: [1764], from ip: 203.0.113.9")
	}
	token := letters(60)
	e.tokens[token] = e.now().Add(tokenFor)
	e.issued++
	return map[string]any{"access_token": token, "expires_in": int(tokenFor / time.Second)}, nil
}

// admit checks what all calls but the first have in common.
func (e *Emulator) admit(r *http.Request, body []byte) error {
	token := r.URL.Query().Get("access_token")
	until, known := e.tokens[token]
	switch {
	case token == "":
		return refuse(41001, "access_token missing")
	case !known:
		return refuse(40014, "invalid access_token")
	case !e.now().Before(until):
		return refuse(42001, "access_token expired")
	case e.untrusted:
		return refuse(60020, "not allow to access from your ip, hint: [1764150000264], from ip: 203.0.113.9, more info at https://open.work.weixin.qq.com/devtool/query?e=60020")
	case len(body) == 0:
		return nil
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return refuse(44001, "empty media data")
	}
	return nil
}

// decode reads a body strictly: what is not known, or of another type, is refused.
func decode(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return refuse(47001, "data format error: %v", err)
	}
	return nil
}

func (e *Emulator) getApp(r *http.Request, _ []byte) (map[string]any, error) {
	if r.URL.Query().Get("agentid") != strconv.Itoa(AppID) {
		return nil, refuse(301002, "not allow operate another agent with this accesstoken")
	}
	users := []any{}
	for _, m := range e.members {
		if !m.hidden {
			users = append(users, map[string]any{"userid": m.id})
		}
	}
	return map[string]any{
		"agentid": AppID, "name": "Handoff", "close": 0, "allow_userinfos": map[string]any{"user": users},
	}, nil
}

func (e *Emulator) getUser(r *http.Request, _ []byte) (map[string]any, error) {
	who := e.find(r.URL.Query().Get("userid"))
	if who < 0 {
		return nil, refuse(60111, "userid not found")
	}
	m := e.members[who]
	if m.hidden {
		return nil, refuse(60011, "no privilege to access/modify contact/party/agent")
	}
	return map[string]any{"userid": m.id, "name": m.name, "department": []int{1}, "status": 1}, nil
}
