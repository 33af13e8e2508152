package provider

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/human-handoff/handoff/internal/handoff"
)

// Class says what can be done about a failed call.
type Class string

// The classes of errors.
const (
	ClassTransient   Class = "transient"    // nobody answered, or not now; the same call may work later
	ClassRateLimited Class = "rate_limited" // too many calls; the same call works later
	ClassCredentials Class = "credentials"  // the provider refused who we are; the same call works once an operator acted
	ClassConsent     Class = "consent"      // somebody has to agree at the provider first; then as above
	ClassIncomplete  Class = "incomplete"   // settings are missing that the call needs; then as above
	ClassRejected    Class = "rejected"     // refused for good; the same call never works
)

// ReasonCode returns what a connection's status says about an error of the class.
func (c Class) ReasonCode() string {
	switch c {
	case ClassCredentials:
		return handoff.ReasonCredentials
	case ClassConsent:
		return handoff.ReasonConsent
	case ClassIncomplete:
		return handoff.ReasonIncomplete
	default:
		return handoff.ReasonUnreachable
	}
}

// Error is why a call to a provider failed.
type Error struct {
	Class      Class
	RetryAfter time.Duration // no attempt before; 0 = the caller decides
	Status     int           // the answer's HTTP status; 0 = there was none
	Undone     bool          // it is certain that nothing was done, so that the next attempt is no repeat
	Err        error         // what happened, in words for an operator
}

// Errorf makes an Error of a class; its text is formatted like fmt.Errorf's.
func Errorf(class Class, format string, args ...any) *Error {
	return &Error{Class: class, Err: fmt.Errorf(format, args...)}
}

// Error says what happened. It may quote a little of the provider's answer.
func (e *Error) Error() string {
	if e.Err == nil {
		return "the call failed (" + string(e.Class) + ")"
	}
	return e.Err.Error()
}

// Summary says what happened without the provider's own words, in which a
// customer's may be repeated: it is fit for logs.
func (e *Error) Summary() string {
	if a, ok := errors.AsType[*answer](e.Err); ok {
		return a.detail
	}
	return e.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ClassOf returns the class of the first Error in err's chain, ClassTransient if there is none.
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return ClassTransient
}

// WaitOf returns how long the first Error in err's chain asks to wait; 0 if it does not.
func WaitOf(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// MaxRetryAfter bounds the wait that a provider can ask for: a mistaken header
// must not hold a message back for days.
const MaxRetryAfter = time.Hour

// FromStatus judges an HTTP answer: nil for any 2xx, else an [*Error]. 408, 425,
// 429 and 5xx can be tried again, after what the header Retry-After asks for; 401
// and 403 mean that the credentials are refused; everything else is refused for
// good, redirects among it, for they are never followed. The body is quoted in
// the error, shortened and on one line; give no more of it than a page or so.
func FromStatus(status int, header http.Header, now time.Time, body []byte) error {
	e := &Error{Status: status}
	detail := "the provider answered " + strings.TrimSpace(strconv.Itoa(status)+" "+http.StatusText(status))
	switch {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		e.Class = ClassRejected
		detail += redirectDetail(header.Get("Location"))
		body = nil // the usual page only says the same again
	case status == http.StatusTooManyRequests:
		e.Class, e.RetryAfter = ClassRateLimited, RetryAfter(header, now)
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status >= 500:
		e.Class, e.RetryAfter = ClassTransient, RetryAfter(header, now)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		e.Class = ClassCredentials
	default:
		e.Class = ClassRejected
	}
	e.Err = &answer{detail: detail, body: string(body)}
	return e
}

func redirectDetail(location string) string {
	detail := "; redirects are not followed, configure the address itself"
	if u, err := url.Parse(location); err == nil && location != "" {
		// A query may hold a token.
		u.User, u.RawQuery, u.Fragment = nil, "", ""
		detail += " (" + quote(u.String()) + ")"
	}
	return detail
}

// RetryAfter reads the header of RFC 9110, section 10.2.3: seconds or a date. It is 0
// without one, and [MaxRetryAfter] at most.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		// Compared before it is multiplied, which could overflow.
		return time.Duration(min(seconds, uint64(MaxRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), MaxRetryAfter)
	}
	return 0
}

// answer is an answer that says no. It keeps the body as it came, so that
// secrets can be found in it before it is shortened.
type answer struct{ detail, body string }

// Error implements error.
func (a *answer) Error() string {
	if text := quote(a.body); text != "" {
		return a.detail + ": " + text
	}
	return a.detail
}

// maxQuote is how many bytes of foreign text an error quotes.
const maxQuote = 200

// quote makes foreign text fit for an error: one line of printable characters, not long.
func quote(s string) string {
	var b strings.Builder
	space := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case !unicode.IsPrint(r) || r == unicode.ReplacementChar:
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		if b.Len()+len(string(r)) > maxQuote-len("…") {
			return b.String() + "…"
		}
		b.WriteRune(r)
	}
	return b.String()
}
