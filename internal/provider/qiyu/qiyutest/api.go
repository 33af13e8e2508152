package qiyutest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"
	"unicode/utf16"

	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// The limits of the message interface.
const (
	maxText   = 4000
	maxUpload = 5 << 20
	window    = 5 * time.Minute
)

// said is what a call is answered.
type said map[string]any

func no(code int, message string) said { return said{"code": code, "message": message} }

func malformed(format string, args ...any) said { return no(14004, fmt.Sprintf(format, args...)) }

func ok() said { return said{"code": 200, "message": "OK"} }

func (e *Emulator) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for path, do := range map[string]func(body []byte) said{
		"event/applyStaff": e.applyStaff, "event/updateUInfo": e.updateUInfo, "event/queryQueueStatus": e.queryQueueStatus,
		"event/quitQueue": e.quitQueue, "message/send": e.send,
	} {
		mux.HandleFunc("POST /openapi/"+path, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			e.mu.Lock()
			defer e.mu.Unlock()
			answer := e.refuse(r, body)
			switch {
			case answer != nil:
			case r.Header.Get("Content-Type") != "application/json;charset=utf-8":
				answer = malformed("the content type is %q", r.Header.Get("Content-Type"))
			default:
				answer = do(body)
			}
			write(w, answer)
		})
	}
	mux.HandleFunc("POST /openapi/message/uploadFile", e.upload)
	mux.HandleFunc("GET /files/{id}", e.download)
	return mux
}

func write(w http.ResponseWriter, answer said) {
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	_ = json.NewEncoder(w).Encode(answer) // whoever asked is gone if this fails
}

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.mux.ServeHTTP(w, r) }

// refuse judges who calls; nil = it is the account's own.
func (e *Emulator) refuse(r *http.Request, signed []byte) said {
	query := r.URL.Query()
	seconds, err := strconv.ParseInt(query.Get("time"), 10, 64)
	switch {
	case query.Get("appKey") != e.key:
		return no(14001, "appKey error")
	case err != nil || e.now().Add(e.skew).Sub(time.Unix(seconds, 0)).Abs() > window:
		return no(14003, "checksum expired")
	case e.revoked || query.Get("checksum") != e.sign(signed, query.Get("time")):
		return no(14002, "checksum error")
	}
	return nil
}

// decode reads a body, strictly.
func decode(body []byte, into any) said {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return malformed("%v", err)
	}
	return nil
}

// applyStaff gives a customer somebody of the staff. Who has a session keeps it.
func (e *Emulator) applyStaff(body []byte) said {
	var given struct {
		UID              string `json:"uid"`
		FromTitle        string `json:"fromTitle"`
		StaffType        int    `json:"staffType"`
		StaffID          int    `json:"staffId"`
		GroupID          int    `json:"groupId"`
		ProductID        string `json:"productId"`
		RobotShuntSwitch int    `json:"robotShuntSwitch"`
	}
	if refused := decode(body, &given); refused != nil {
		return refused
	}
	if given.UID == "" {
		return malformed("uid is missing")
	}
	switch given.GroupID {
	case GroupMessage:
		return no(14005, "请留言")
	case GroupNobody:
		return no(14010, "客服不在线")
	}
	t := e.talk(given.UID)
	if t == nil || t.ended != "" {
		t = e.begin(given.UID, given.GroupID, given.StaffType == 0 || given.RobotShuntSwitch == 1 || e.RobotFirst)
	}
	if t.staff == nil {
		return e.queued(t)
	}
	answer := e.sessionBody(t)
	delete(answer, "uid")
	answer["rich_text_greet"] = "<p>欢迎</p>"
	return answer
}

func (e *Emulator) begin(uid string, group int, byRobot bool) *talk {
	t := &talk{uid: uid, id: e.newID(), info: map[string]string{}}
	e.talks = append(e.talks, t)
	switch {
	case byRobot:
		t.staff = &robo
	case group == GroupBusy:
		t.ahead = 2
	default:
		t.staff = &lin
	}
	return t
}

func (e *Emulator) queued(t *talk) said {
	answer := no(14006, "请排队")
	if e.OldQueue {
		answer = no(14008, "请排队")
	}
	answer["count"] = t.ahead
	return answer
}

// uidOf reads a body that has nothing but a uid.
func (e *Emulator) uidOf(body []byte) (*talk, said) {
	var given struct {
		UID string `json:"uid"`
	}
	if refused := decode(body, &given); refused != nil {
		return nil, refused
	}
	t := e.talk(given.UID)
	if t == nil || t.ended != "" {
		return nil, no(14007, "user not found")
	}
	return t, nil
}

func (e *Emulator) queryQueueStatus(body []byte) said {
	t, refused := e.uidOf(body)
	switch {
	case refused != nil:
		return refused
	case t.staff != nil:
		return said{"code": 200, "count": -1}
	}
	answer := said{"code": 200, "count": t.ahead}
	t.ahead = max(0, t.ahead-1)
	return answer
}

func (e *Emulator) quitQueue(body []byte) said {
	if e.NoQuitQueue {
		return no(14004, "unknown path")
	}
	t, refused := e.uidOf(body)
	if refused != nil {
		return refused
	}
	if t.staff == nil {
		t.ended = "quitQueue"
	}
	return ok()
}

func (e *Emulator) updateUInfo(body []byte) said {
	var given struct {
		UID      string `json:"uid"`
		UserInfo []struct {
			Index  *int   `json:"index"`
			Key    string `json:"key"`
			Label  string `json:"label"`
			Value  string `json:"value"`
			Href   string `json:"href"`
			Hidden bool   `json:"hidden"`
		} `json:"userinfo"`
	}
	if refused := decode(body, &given); refused != nil {
		return refused
	}
	t := e.talk(given.UID)
	switch {
	case e.NoUserInfo:
		return malformed("userinfo")
	case t == nil || t.ended != "":
		return no(14007, "user not found")
	}
	for _, field := range given.UserInfo {
		reserved := field.Key == "real_name" || field.Key == "mobile_phone" || field.Key == "email"
		if field.Key == "" || !reserved && (field.Index == nil || field.Label == "") {
			return malformed("userinfo: %+v", field)
		}
		t.info[field.Key] = field.Value
	}
	return ok()
}

// send takes a customer's message. Without a session it would begin one with the
// robot, which nobody wants.
func (e *Emulator) send(body []byte) said {
	var given struct {
		UID     string          `json:"uid"`
		MsgType string          `json:"msgType"`
		Content json.RawMessage `json:"content"`
	}
	if refused := decode(body, &given); refused != nil {
		return refused
	}
	t := e.talk(given.UID)
	if t == nil || t.ended != "" {
		return no(14007, "user not found")
	}
	it := item{from: emulator.FromCustomer}
	switch given.MsgType {
	case "TEXT":
		if json.Unmarshal(given.Content, &it.text) != nil || it.text == "" || len(utf16.Encode([]rune(it.text))) > maxText {
			return malformed("content is no text, or too long")
		}
	case "PICTURE":
		var refused said
		if it.file, refused = e.picture(given.Content); refused != nil {
			return refused
		}
	default:
		return malformed("msgType %s", given.MsgType)
	}
	t.items = append(t.items, it)
	return ok()
}

func (e *Emulator) picture(content []byte) (*emulator.File, said) {
	var given struct {
		URL  string `json:"url"`
		Size int    `json:"size"`
		MD5  string `json:"md5"`
		W    int    `json:"w"`
		H    int    `json:"h"`
	}
	if refused := decode(content, &given); refused != nil {
		return nil, refused
	}
	u, known := e.uploads[given.URL]
	if !known || given.Size != len(u.content) || given.MD5 != u.md5 {
		return nil, malformed("the picture cannot be loaded, or is another")
	}
	return &emulator.File{Name: u.name, Content: u.content, URL: given.URL}, nil
}

// upload takes a file, by whose own bytes the call is signed.
func (e *Emulator) upload(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 2*maxUpload)
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if media != "multipart/form-data" || r.ParseMultipartForm(2*maxUpload) != nil { //nolint:gosec // it is bounded above
		write(w, malformed("no form"))
		return
	}
	file, header, err := r.FormFile("file")
	if err != nil {
		write(w, malformed("no part file"))
		return
	}
	data, err := io.ReadAll(file)
	if err != nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if refused := e.refuse(r, data); refused != nil {
		write(w, refused)
		return
	}
	if len(data) > maxUpload {
		write(w, malformed("the file is too large"))
		return
	}
	address := "http://" + r.Host + "/files/" + strconv.Itoa(e.newID())
	e.uploads[address] = upload{name: header.Filename, content: string(data), md5: md5Hex(data)}
	write(w, said{"code": 200, "url": address})
}

func (e *Emulator) download(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	u, known := e.uploads["http://"+r.Host+r.URL.Path]
	e.mu.Unlock()
	if !known {
		http.NotFound(w, r)
		return
	}
	_, _ = io.WriteString(w, u.content)
}
