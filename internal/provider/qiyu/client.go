package qiyu

import (
	"bytes"
	"context"
	"crypto/md5"  //nolint:gosec // QiYu's checksums are made of it
	"crypto/sha1" //nolint:gosec // as above
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// The parameters of calls and pushes.
const (
	parameterType     = "eventType"
	parameterTime     = "time"
	parameterChecksum = "checksum"
)

// The codes of answers.
const (
	codeOK          = 200
	codeUnknownKey  = 14001
	codeChecksum    = 14002
	codeClock       = 14003
	codeMalformed   = 14004
	codeLeaveWord   = 14005 // nobody is there; what is sent is left as a message
	codeQueue       = 14006
	codeUnknownUser = 14007 // who never asked for a human, or whose session is over
	codeOldQueue    = 14008 // as older documents have it
	codeNobody      = 14010
	codeFault       = 14500
	codeNotAllowed  = 14515
)

// meaning is what can be done about a code, and what it means to an operator.
type meaning struct {
	class provider.Class
	words string
}

var meanings = map[int]meaning{
	codeUnknownKey:  {provider.ClassCredentials, "QiYu does not know this app_key"},
	codeChecksum:    {provider.ClassCredentials, "QiYu's app_secret is another one; pressing 重置 there replaces it"},
	codeClock:       {provider.ClassCredentials, "by QiYu's clock the time of this machine is more than 5 minutes off; have its clock follow a time server"},
	codeMalformed:   {provider.ClassRejected, "QiYu cannot read the call"},
	codeLeaveWord:   {provider.ClassRejected, "nobody is at the desk of QiYu, which takes messages alone"},
	codeQueue:       {provider.ClassRejected, "the customer still waits in QiYu's queue"},
	codeUnknownUser: {provider.ClassRejected, "the session is over at QiYu"},
	codeNobody:      {provider.ClassRejected, "nobody is at the desk of QiYu"},
	codeFault:       {provider.ClassTransient, "QiYu has a fault"},
	codeNotAllowed:  {provider.ClassCredentials, "QiYu does not allow it to this account; does its plan have the message interface (消息接口)?"},
}

// checksum signs a body, or that of a push. For uploads it is the file that counts.
func checksum(secret string, body []byte, seconds string) string {
	digest := md5.Sum(body)                                                   //nolint:gosec // as above
	sum := sha1.Sum([]byte(secret + hex.EncodeToString(digest[:]) + seconds)) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}

// refusal is an answer whose code says no, or something else than yes.
type refusal struct {
	error

	answer answer
}

// Unwrap returns the judged error.
func (r *refusal) Unwrap() error { return r.error }

// codeOf returns the code of an answer that says no; 0 if there is none.
func codeOf(err error) int {
	if r, ok := errors.AsType[*refusal](err); ok {
		return *r.answer.Code
	}
	return 0
}

// judge turns an answer into an error. QiYu says no in the body of a 200.
func judge(now handoff.Clock) func(int, http.Header, []byte) error {
	return func(status int, header http.Header, body []byte) error {
		if err := provider.FromStatus(status, header, now(), body); err != nil {
			return err
		}
		var a answer
		_ = json.Unmarshal(body, &a) // what cannot be read is found out by whoever reads it
		if a.Code == nil || *a.Code == codeOK {
			return nil
		}
		m, known := meanings[*a.Code]
		if !known {
			m = meaning{provider.ClassRejected, "QiYu refuses the call"}
		}
		err := provider.Errorf(m.class, "%s (%d)", m.words, *a.Code)
		err.Status, err.Undone = status, m.class != provider.ClassTransient
		return &refusal{error: err, answer: a}
	}
}

// client makes the calls.
type client struct {
	rest   restapi.Client
	key    string
	secret string
	now    handoff.Clock
}

// post makes a call. What is signed are the very bytes that are sent.
func (c *client) post(ctx context.Context, path string, body any) (answer, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // staff may get to see what is sent
	if err := e.Encode(body); err != nil {
		return answer{}, provider.Errorf(provider.ClassRejected, "encode the call: %w", err)
	}
	data := bytes.TrimSuffix(text.Bytes(), []byte("\n"))
	return c.send(ctx, path, data, "application/json;charset=utf-8", data)
}

// send makes a call that is signed by some bytes. One that took too long to get
// there is signed anew, once.
func (c *client) send(ctx context.Context, path string, data []byte, mediaType string, signed []byte) (answer, error) {
	a, err := c.once(ctx, path, data, mediaType, signed)
	if codeOf(err) == codeClock {
		a, err = c.once(ctx, path, data, mediaType, signed)
	}
	return a, err
}

func (c *client) once(ctx context.Context, path string, data []byte, mediaType string, signed []byte) (answer, error) {
	seconds := strconv.FormatInt(c.now().Unix(), 10)
	query := url.Values{"appKey": {c.key}, parameterTime: {seconds}, parameterChecksum: {checksum(c.secret, signed, seconds)}}
	var a answer
	err := c.rest.Do(ctx, restapi.Call{
		Method: http.MethodPost, Path: "/openapi" + path + "?" + query.Encode(), Into: &a,
		File: &restapi.File{Content: bytes.NewReader(data), Size: int64(len(data)), Type: mediaType},
	})
	if err == nil && a.Code == nil {
		err = provider.Errorf(provider.ClassTransient, "QiYu's answer has no code")
	}
	return a, err
}

// say writes a message in a customer's name. QiYu gives no id to it.
func (c *client) say(ctx context.Context, uid, msgType string, content any) error {
	_, err := c.post(ctx, "/message/send", map[string]any{"uid": uid, "msgType": msgType, "content": content})
	return err
}

// ahead returns how many wait before a customer; -1 = the customer is served. It is
// an error of [codeUnknownUser] when QiYu has no session of the customer.
func (c *client) ahead(ctx context.Context, uid string) (int32, error) {
	a, err := c.post(ctx, "/event/queryQueueStatus", map[string]any{"uid": uid})
	if err != nil || a.Count == nil {
		return -1, err
	}
	return *a.Count, nil
}
