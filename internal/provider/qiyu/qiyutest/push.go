package qiyutest

import (
	"crypto/md5"  //nolint:gosec // the vendor's checksums are made of it
	"crypto/sha1" //nolint:gosec // as above
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/google/uuid"

	"github.com/human-handoff/handoff/internal/provider"
)

func md5Hex(data []byte) string {
	sum := md5.Sum(data) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}

// sign is the vendor's formula.
func (e *Emulator) sign(body []byte, seconds string) string {
	sum := sha1.Sum([]byte(e.secret + md5Hex(body) + seconds)) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}

// Webhook implements emulator.Emulator. It is one of a message.
func (e *Emulator) Webhook(body []byte) provider.Request { return e.Push("MSG", body) }

// Push returns a genuine push of any event with any body.
func (e *Emulator) Push(event string, body []byte) provider.Request {
	seconds := strconv.FormatInt(e.now().Unix(), 10)
	query := url.Values{"eventType": {event}, "time": {seconds}, "checksum": {e.sign(body, seconds)}}
	header := http.Header{}
	header.Set("Content-Type", "application/json;charset=utf-8")
	return provider.Request{Method: http.MethodPost, Query: query.Encode(), Header: header, Body: body, Time: e.now()}
}

func (e *Emulator) push(event string, body map[string]any) provider.Request {
	data, _ := json.Marshal(body) // of what can be
	return e.Push(event, data)
}

// message is the body of a message of nobody yet.
func (e *Emulator) message(t *talk, msgType string, content any) map[string]any {
	return map[string]any{"uid": t.uid, "msgType": msgType, "content": content, "msgId": uuid.NewString(), "timeStamp": e.now().UnixMilli()}
}

// sessionBody is what a session's events have in common.
func (e *Emulator) sessionBody(t *talk) map[string]any {
	body := map[string]any{"uid": t.uid, "sessionId": t.id, "code": 200, "message": "欢迎", "staffIcon": "", "evaluationModel": evaluationModel()}
	if t.staff != nil {
		body["staffId"], body["staffName"], body["staffType"] = t.staff.id, t.staff.name, t.staff.kind
	}
	return body
}

func (e *Emulator) pushStart(t *talk) provider.Request {
	return e.push("SESSION_START", e.sessionBody(t))
}

func evaluationModel() map[string]any {
	return map[string]any{"title": "满意度", "note": "", "type": 2, "list": []any{
		map[string]any{"name": "满意", "value": 100}, map[string]any{"name": "不满意", "value": 1},
	}}
}
