package dingtalktest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// tokenFor is how long a token is good.
const tokenFor = 7200 * time.Second

// refusal is an answer that is not 200.
type refusal struct {
	status        int
	code, message string
}

// Error implements error.
func (r refusal) Error() string { return r.code + ": " + r.message }

func invalidParameter(format string, args ...any) error {
	return refusal{http.StatusBadRequest, "invalidParameter.param", fmt.Sprintf(format, args...)}
}

// handler does one call; the emulator is locked.
type handler func(r *http.Request, body []byte) (any, error)

func (e *Emulator) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]handler{
		"POST /v1.0/oauth2/accessToken":              e.giveToken,
		"POST /v1.0/gateway/connections/open":        e.openConnection,
		"POST /v1.0/robot/groupMessages/send":        e.admitted(e.send),
		"POST /v1.0/card/instances/createAndDeliver": e.admitted(e.deliverCard),
		"PUT /v1.0/card/instances":                   e.admitted(e.updateCard),
		"POST /topapi/v2/user/get":                   e.getUser,
		"/": func(*http.Request, []byte) (any, error) {
			return nil, refusal{http.StatusNotFound, "InvalidAction.NotFound", "Specified api is not found, please check your url and method."}
		},
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { e.serve(w, r, handle) })
	}
	mux.HandleFunc("GET "+streamPath, e.serveStream)
	return mux
}

// ServeHTTP implements emulator.Emulator.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.mux.ServeHTTP(w, r) }

func (e *Emulator) serve(w http.ResponseWriter, r *http.Request, handle handler) {
	e.mu.Lock()
	defer e.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	var answer any
	if media, _, bad := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && (bad != nil || media != "application/json") {
		err = refusal{http.StatusUnsupportedMediaType, "UnsupportedMediaType", "send JSON"}
	}
	if err == nil {
		answer, err = handle(r, body)
	}
	status := http.StatusOK
	if err != nil {
		refused, ok := errors.AsType[refusal](err)
		if !ok {
			refused = refusal{http.StatusInternalServerError, "SystemError", err.Error()}
		}
		status = refused.status
		answer = map[string]string{"code": refused.code, "message": refused.message, "requestid": "2E6D1A6F-" + rand.Text()[:8]}
	}
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

// decode reads a body strictly: what is not known, or of another type, is refused.
func decode(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return invalidParameter("%v", err)
	}
	return nil
}

func (e *Emulator) giveToken(_ *http.Request, body []byte) (any, error) {
	var given struct {
		AppKey    string `json:"appKey"`
		AppSecret string `json:"appSecret"`
	}
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	if e.revoked || given.AppKey != e.id || given.AppSecret != e.secret {
		return nil, refusal{http.StatusBadRequest, "invalidClientIdOrSecret", "无效的clientId或者clientSecret"}
	}
	if now := e.now(); e.token == "" || !now.Before(e.expires) {
		e.token, e.expires = rand.Text()+rand.Text(), now.Add(tokenFor)
		e.tokens++
	}
	return map[string]any{"accessToken": e.token, "expireIn": int64(e.expires.Sub(e.now()) / time.Second)}, nil
}

// admitted is a call that needs a token.
func (e *Emulator) admitted(handle handler) handler {
	return func(r *http.Request, body []byte) (any, error) {
		token := r.Header.Get("X-Acs-Dingtalk-Access-Token")
		if e.revoked || token == "" || token != e.token || !e.now().Before(e.expires) {
			return nil, refusal{http.StatusUnauthorized, "InvalidAuthentication", "不合法的access_token"}
		}
		if now := e.now().Unix(); e.second.at != now {
			e.second.at, e.second.calls = now, 0
		}
		if e.second.calls++; e.PerSecond > 0 && e.second.calls > int64(e.PerSecond) {
			return nil, refusal{http.StatusForbidden, "Forbidden.AccessDenied.QpsLimitForApi", "请求频率超过限制"}
		}
		return handle(r, body)
	}
}

// maxContent is about what a message can hold.
const maxContent = 20_000 // bytes

func (e *Emulator) send(_ *http.Request, body []byte) (any, error) {
	var given struct {
		RobotCode          string `json:"robotCode"`
		OpenConversationID string `json:"openConversationId"`
		MsgKey             string `json:"msgKey"`
		MsgParam           string `json:"msgParam"`
	}
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	var param struct {
		Content string `json:"content"`
	}
	switch {
	case given.RobotCode != e.id:
		return nil, invalidParameter("robotCode: 机器人不存在")
	case given.OpenConversationID != Group:
		return nil, refusal{http.StatusBadRequest, "invalidParameter.openConversationId", "群不存在或机器人不在群内"}
	case given.MsgKey != "sampleText":
		return nil, invalidParameter("this emulator knows no msgKey %q", given.MsgKey)
	}
	if err := decode([]byte(given.MsgParam), &param); err != nil {
		return nil, err
	}
	if param.Content == "" || len(param.Content) > maxContent {
		return nil, invalidParameter("msgParam: content has %d bytes", len(param.Content))
	}
	it := &item{id: e.newID("pqk"), who: -1, tag: emulator.TagOf(param.Content), text: param.Content, time: e.now()}
	e.items = append(e.items, it)
	return map[string]string{"processQueryKey": it.id}, nil
}

// getUser is a call of the old host, which says no with 200.
func (e *Emulator) getUser(r *http.Request, body []byte) (any, error) {
	var given struct {
		UserID string `json:"userid"`
	}
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	if r.URL.Query().Get("access_token") != e.token || e.token == "" {
		return map[string]any{"errcode": 40014, "errmsg": "不合法的access_token"}, nil
	}
	for _, h := range Humans {
		if h.StaffID == given.UserID {
			return map[string]any{"errcode": 0, "errmsg": "ok", "result": map[string]any{"userid": h.StaffID, "name": h.Nick}}, nil
		}
	}
	return map[string]any{"errcode": 60121, "errmsg": "找不到该用户"}, nil
}
