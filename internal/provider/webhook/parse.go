package webhook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
)

// The paths on which a developer's server replies: below /v1, and below a
// receive URL.
const (
	PathMessage = "/human/message/receive"
	PathClose   = "/human/close"
)

// Success is the body of the answer to a reply that was taken.
const Success = `{"code":0,"message":"success"}`

// reply is the body of both calls. Fields are raw so that a wrong type is told
// by its name, not by the decoder's words.
type reply struct {
	ConversationID json.RawMessage `json:"conversation_id"`
	Timestamp      json.RawMessage `json:"timestamp"`
	Body           json.RawMessage `json:"body"`
}

// ParseReply reads what a developer's server sends: a human's message or a
// close, by the end of the path. It is pure and proves nothing: who sent it has
// to be known already.
//
// The conversation_id is our session id. The timestamp, milliseconds as a
// number or in a string, is optional; since the wire has no message ids, equal
// calls with equal timestamps count as one, and calls without one are all new.
// Fields that are not known are ignored.
//
// Errors are [*handoff.Error]: CodeInvalid with what is wrong with the body,
// CodeNotFound for another path.
func ParseReply(path string, body []byte) (handoff.Inbound, error) {
	isMessage := strings.HasSuffix(path, PathMessage)
	if !isMessage && !strings.HasSuffix(path, PathClose) {
		return handoff.Inbound{}, handoff.Errorf(handoff.CodeNotFound, "UNKNOWN_PATH", "there is no such path; replies go to …%s and …%s", PathMessage, PathClose)
	}
	var r reply
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return handoff.Inbound{}, invalid("the body has to be a JSON object")
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return handoff.Inbound{}, invalid("the body is not JSON: %s", syntax(err))
	}
	session, err := str("conversation_id", r.ConversationID, handoff.MaxIDBytes)
	if err != nil {
		return handoff.Inbound{}, err
	}
	timestamp, err := millis(r.Timestamp)
	if err != nil {
		return handoff.Inbound{}, err
	}
	in := handoff.Inbound{SessionID: session, Body: handoff.HumanClosed{}}
	route, text := PathClose, ""
	if isMessage {
		route = PathMessage
		if text, err = str("body", r.Body, handoff.MaxTextBytes); err != nil {
			return handoff.Inbound{}, err
		}
		in.Body = handoff.HumanMessage{Text: text}
	}
	if timestamp != "" {
		in.Key = digest(route, session, timestamp, text)
	}
	return in, nil
}

// str reads a string of 1 to most bytes.
func str(name string, raw json.RawMessage, most int) (string, error) {
	var s string
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return "", invalid("%s is required", name)
	case raw[0] != '"' || json.Unmarshal(raw, &s) != nil:
		return "", invalid("%s has to be a string", name)
	case s == "":
		return "", invalid("%s must not be empty", name)
	case len(s) > most:
		return "", invalid("%s is longer than %d bytes", name, most)
	}
	return s, nil
}

// millis reads an optional timestamp; clients write it as a number or in a string.
func millis(raw json.RawMessage) (string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", nil
	}
	n, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	if err != nil || n < 0 {
		return "", invalid("timestamp has to be a whole number of milliseconds")
	}
	return strconv.FormatInt(n, 10), nil
}

// syntax says where a body stops being JSON, without quoting it.
func syntax(err error) string {
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("%v at byte %d", s, s.Offset)
	}
	return err.Error()
}

func invalid(format string, args ...any) *handoff.Error {
	return handoff.Errorf(handoff.CodeInvalid, "INVALID_BODY", format, args...)
}

// digest makes a key of fixed size of parts, each with its length in front so that none runs into the next.
func digest(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}
