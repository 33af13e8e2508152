// Package webhooktest is a developer's server as the webhook provider meets it:
// an emulator that is written from the description of the wire and shares no
// code with the adapter. It is strict where a careful developer would be.
package webhooktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// Receiver is the server. Its fields are set before its first call.
type Receiver struct {
	Prefix        string // in front of the paths
	Username      string // of Basic authentication; with Password empty = not asked for
	Password      string
	SigningSecret string // "whsec_…"; empty = signatures are not asked for
	Now           func() time.Time

	mu            sync.Mutex
	conversations map[string]*Conversation
	order         []string        // of the conversations
	seen          map[string]bool // idempotency keys
	probes        int
	revoked       bool
}

// Conversation is what the server knows of one conversation.
type Conversation struct {
	Establish Establish
	Messages  []string
	Lines     []emulator.Line // the messages, with what the humans said between them
	Closed    string          // the type of the close
}

// Establish is the body of the first call. Pointers are fields that may be null.
type Establish struct {
	ConversationID string  `json:"conversation_id"`
	Timestamp      *int64  `json:"timestamp"`
	Email          *string `json:"email"`
	BotID          *string `json:"bot_id"`
	Body           []Turn  `json:"body"`
	UserInfo       *User   `json:"user_info"`
	IsTest         bool    `json:"istest"`
}

// Turn is an utterance of the conversation with the bot.
type Turn struct {
	MessageType string  `json:"message_type"`
	Text        *string `json:"text"`
}

// User is who the conversation is with.
type User struct {
	Phone       *string `json:"phone"`
	Email       *string `json:"email"`
	UserID      *string `json:"user_id"`
	AnonymousID *string `json:"anonymous_id"`
	UserName    string  `json:"user_name"`
}

type message struct {
	ConversationID string  `json:"conversation_id"`
	Timestamp      *int64  `json:"timestamp"`
	Body           *string `json:"body"`
	Type           *string `json:"type"`
}

// Conversation returns a copy of what the server knows of a conversation.
func (s *Receiver) Conversation(id string) (Conversation, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.conversations[id]
	if !ok {
		return Conversation{}, false
	}
	shown := *c
	shown.Messages, shown.Lines = slices.Clone(c.Messages), slices.Clone(c.Lines)
	return shown, true
}

// Count returns how many conversations there are, and how many probes came.
func (s *Receiver) Count() (conversations, probes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conversations), s.probes
}

// answer is the body of every answer.
type answer struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// refusal is an answer that is not 200.
type refusal struct {
	status int
	text   string
}

// Error implements error.
func (r refusal) Error() string { return r.text }

func bad(format string, args ...any) error {
	return refusal{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// ServeHTTP implements http.Handler.
func (s *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := s.serve(r)
	status, code, text := http.StatusOK, 0, "success"
	if refused, ok := errors.AsType[refusal](err); ok {
		status, code, text = refused.status, refused.status*100, refused.text
	} else if err != nil {
		status, code, text = http.StatusBadRequest, 40000, err.Error()
	}
	body, err := json.Marshal(answer{code, text})
	if err != nil {
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (s *Receiver) serve(r *http.Request) error {
	path, ok := strings.CutPrefix(r.URL.Path, s.Prefix)
	handle, known := map[string]func([]byte) error{
		"/conversation/establish": s.establish,
		"/chat":                   s.chat,
		"/conversation/close":     s.close,
	}[path]
	if !ok || !known {
		return refusal{http.StatusNotFound, "no such path"}
	}
	if r.Method != http.MethodPost || r.URL.RawQuery != "" {
		return refusal{http.StatusMethodNotAllowed, "only POST, without a query"}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if err := s.authenticate(r, body); err != nil {
		return err
	}
	if err := checkForm(r, body); err != nil {
		return err
	}
	key := r.Header.Get("Idempotency-Key")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen[key] {
		return nil
	}
	if err := handle(body); err != nil {
		return err
	}
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	s.seen[key] = true
	return nil
}

// checkForm checks what all calls have in common.
func checkForm(r *http.Request, body []byte) error {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil || media != "application/json" || params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8"):
		return refusal{http.StatusUnsupportedMediaType, "only JSON"}
	case !utf8.Valid(body):
		return bad("not UTF-8")
	case r.Header.Get("Idempotency-Key") == "":
		return bad("no Idempotency-Key")
	}
	return nil
}

func (s *Receiver) authenticate(r *http.Request, body []byte) error {
	user, password, sent := r.BasicAuth()
	wanted := s.Username != "" || s.Password != ""
	s.mu.Lock()
	revoked := s.revoked
	s.mu.Unlock()
	if revoked || sent != wanted || user != s.Username || password != s.Password {
		return refusal{http.StatusUnauthorized, "bad credentials"}
	}
	if s.SigningSecret == "" {
		return nil
	}
	hook, err := standardwebhooks.NewWebhook(s.SigningSecret)
	if err != nil {
		return err
	}
	// The library's own check of the time knows no clock but the machine's.
	if err := hook.VerifyIgnoringTimestamp(body, r.Header); err != nil {
		return refusal{http.StatusForbidden, err.Error()}
	}
	seconds, err := strconv.ParseInt(r.Header.Get(standardwebhooks.HeaderWebhookTimestamp), 10, 64)
	if off := s.Now().Sub(time.Unix(seconds, 0)); err != nil || off.Abs() > 5*time.Minute {
		return refusal{http.StatusForbidden, "stale signature"}
	}
	return nil
}

func (s *Receiver) establish(body []byte) error {
	var e Establish
	if err := json.Unmarshal(body, &e); err != nil {
		return bad("establish: %v", err)
	}
	if err := checkCommon(e.ConversationID, e.Timestamp); err != nil {
		return err
	}
	switch {
	case e.BotID == nil:
		return bad("bot_id is required")
	case e.Body == nil:
		return bad("body is required")
	case e.UserInfo == nil || e.UserInfo.UserID == nil || e.UserInfo.AnonymousID == nil:
		return bad("user_info with user_id and anonymous_id is required")
	}
	if err := checkTurns(e.Body); err != nil {
		return err
	}
	if e.IsTest {
		s.probes++
		return nil
	}
	if s.conversations == nil {
		s.conversations = map[string]*Conversation{}
	}
	if _, known := s.conversations[e.ConversationID]; !known {
		s.order = append(s.order, e.ConversationID)
	}
	s.conversations[e.ConversationID] = &Conversation{Establish: e}
	return nil
}

func checkTurns(turns []Turn) error {
	for i, turn := range turns {
		if turn.MessageType != "QUESTION" && turn.MessageType != "ANSWER" || turn.Text == nil {
			return bad("body[%d] needs message_type QUESTION or ANSWER and a text", i)
		}
	}
	return nil
}

func (s *Receiver) chat(body []byte) error {
	m, c, err := s.message(body)
	switch {
	case err != nil:
		return err
	case m.Body == nil || *m.Body == "":
		return bad("body is required")
	case c.Closed != "":
		return refusal{http.StatusConflict, "the conversation is closed"}
	}
	c.Messages = append(c.Messages, *m.Body)
	c.Lines = append(c.Lines, emulator.Line{From: emulator.FromCustomer, Text: *m.Body})
	return nil
}

func (s *Receiver) close(body []byte) error {
	m, c, err := s.message(body)
	switch {
	case err != nil:
		return err
	case m.Type == nil || *m.Type != "TIMEOUT" && *m.Type != "USER_CLOSED":
		return bad("type has to be TIMEOUT or USER_CLOSED")
	}
	c.Closed = *m.Type
	return nil
}

func (s *Receiver) message(body []byte) (message, *Conversation, error) {
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		return m, nil, bad("%v", err)
	}
	if err := checkCommon(m.ConversationID, m.Timestamp); err != nil {
		return m, nil, err
	}
	c, ok := s.conversations[m.ConversationID]
	if !ok {
		return m, nil, refusal{http.StatusNotFound, "no such conversation"}
	}
	return m, c, nil
}

func checkCommon(conversationID string, timestamp *int64) error {
	if conversationID == "" {
		return bad("conversation_id is required")
	}
	// Milliseconds: a smaller number was counted in seconds.
	if timestamp == nil || *timestamp < 1_000_000_000_000 {
		return bad("timestamp has to be in milliseconds")
	}
	return nil
}
