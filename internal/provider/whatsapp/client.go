package whatsapp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// Codes of errors that are looked at one by one.
const (
	codeBarred    = 131047 // the human has not written for a day
	codeParameter = 100
	codePair      = 131056 // too many messages to one human
	codeSpam      = 131048 // the number was reported too often; it lasts for hours
	pairPause     = 6 * time.Second
	subUnknown    = 33 // with 100: no such number or account, or none that the token may use
	subExpired    = 463
	subInvalid    = 467
	maxErrorText  = 400
)

// The classes of the other codes.
var (
	credentialCodes = []int{0, 3, 10, 102, 190, 368, 130497, 131005, 131031, 131037, 131042, 131045, 133010}
	limitCodes      = []int{4, 80007, 130429}
	transientCodes  = []int{1, 2, 131000, 131016, 131057, 133004}
	templateCodes   = []int{132000, 132001, 132005, 132012, 132015, 132016}
	personCodes     = []int{130472, 131021, 131026, 131030, 131049, 131050} // of one human
)

// refusal is an answer that says no, with its code.
type refusal struct {
	error

	code int
}

// Unwrap returns the judged error.
func (r *refusal) Unwrap() error { return r.error }

// codeOf returns the code of an error; 0 if it has none.
func codeOf(err error) int {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.code
	}
	return 0
}

// failure is Meta's form of an error, in answers and in statuses.
type failure struct {
	Code      int    `json:"code"`
	Subcode   int    `json:"error_subcode"`
	Title     string `json:"title"`
	Message   string `json:"message"`
	TraceID   string `json:"fbtrace_id"`
	ErrorData struct {
		Details string `json:"details"`
	} `json:"error_data"`
}

// describe says what happened in Meta's words.
func (f *failure) describe() string {
	text := f.Message
	if text == "" {
		text = f.Title
	}
	if f.ErrorData.Details != "" && f.ErrorData.Details != text {
		text += ": " + f.ErrorData.Details
	}
	if runes := []rune(text); len(runes) > maxErrorText {
		text = string(runes[:maxErrorText]) + "…"
	}
	text = fmt.Sprintf("%d %s", f.Code, text)
	if f.TraceID != "" {
		text += " (fbtrace_id " + f.TraceID + ")"
	}
	return text
}

// judge turns an answer into an error. Meta's own code says more than the status.
func judge(now handoff.Clock) func(int, http.Header, []byte) error {
	return func(status int, header http.Header, body []byte) error {
		var answer struct {
			Error *failure `json:"error"`
		}
		if json.Unmarshal(body, &answer) != nil || answer.Error == nil {
			return provider.FromStatus(status, header, now(), body)
		}
		err := provider.FromStatus(status, header, now(), []byte(answer.Error.describe()))
		e, ok := errors.AsType[*provider.Error](err)
		if !ok {
			return nil
		}
		classify(e, answer.Error)
		return &refusal{e, answer.Error.Code}
	}
}

func classify(e *provider.Error, f *failure) {
	switch class := classOf(f); {
	case f.Code == codePair:
		// It is one human's limit, and no reason to stop writing to the others.
		e.Class, e.RetryAfter = provider.ClassTransient, max(e.RetryAfter, pairPause)
	case f.Code == codeSpam:
		e.Class, e.RetryAfter = provider.ClassRateLimited, provider.MaxRetryAfter
	case class != "" && (f.Code != 0 || f.Subcode != 0 || e.Status < 500): // without a code it may be an outage
		e.Class = class
	case e.Status >= 400 && e.Status < 500 && e.Status != http.StatusTooManyRequests:
		e.Class = provider.ClassRejected
	}
}

// classOf returns the class of an error by its code; empty = the code says nothing.
func classOf(f *failure) provider.Class {
	code := f.Code
	switch {
	case f.Subcode == subExpired, f.Subcode == subInvalid, code >= 200 && code < 300, slices.Contains(credentialCodes, code):
		return provider.ClassCredentials
	case slices.Contains(limitCodes, code):
		return provider.ClassRateLimited
	case slices.Contains(transientCodes, code):
		return provider.ClassTransient
	case slices.Contains(templateCodes, code), code == codeParameter && f.Subcode == subUnknown:
		return provider.ClassIncomplete
	case slices.Contains(personCodes, code):
		return provider.ClassRejected
	default:
		return ""
	}
}

// accepted is the answer to a message.
type accepted struct {
	Messages []struct {
		ID string `json:"id"`
	} `json:"messages"`
}

// outgoing is a message on its way to a human.
type outgoing struct {
	to    string
	kind  string // of content, as WhatsApp calls it
	body  any
	quote string // wamid of a message that it answers; may be empty
	data  string // comes back in the statuses
}

// post sends a message and returns its wamid. That it was accepted does not mean
// that it got there.
func (a *Adapter) post(ctx context.Context, m outgoing) (string, error) {
	body := map[string]any{
		"messaging_product": "whatsapp", "recipient_type": "individual", "to": m.to, "type": m.kind, m.kind: m.body,
	}
	if m.quote != "" {
		body["context"] = map[string]any{"message_id": m.quote}
	}
	if m.data != "" {
		body["biz_opaque_callback_data"] = m.data
	}
	var got accepted
	err := a.rest.Do(ctx, restapi.Call{
		Method: http.MethodPost, Path: "/" + url.PathEscape(a.number) + "/messages", Body: body, Into: &got,
	})
	if err != nil {
		return "", err
	}
	if len(got.Messages) == 0 || got.Messages[0].ID == "" {
		return "", provider.Errorf(provider.ClassTransient, "the answer holds no message")
	}
	return got.Messages[0].ID, nil
}
