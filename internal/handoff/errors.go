package handoff

import (
	"errors"
	"fmt"
)

// Code classifies an [Error] by what the caller can do about it.
type Code int

// The codes. Each door of the server maps them to its own protocol.
const (
	CodeInternal        Code = iota // a fault of ours; its text is for the log only
	CodeInvalid                     // the request is malformed; change it
	CodeNotFound                    // no such thing
	CodeUnauthenticated             // no credential, or an unknown one
	CodePermission                  // a known credential outside its scope
	CodePrecondition                // not in this state
	CodeOutOfRange                  // beyond the log
	CodeAborted                     // somebody else changed it; read and try again
	CodeExhausted                   // over a limit
	CodeUnavailable                 // try again later
	CodeUnimplemented               // not built
)

// Error is the one error type that the domain returns on purpose. Anything else
// is internal, and its text never reaches a caller.
type Error struct {
	Code    Code
	Reason  string // machine-readable, UPPER_SNAKE_CASE, stable
	Message string // tells the reader what is wrong and what to do
	Err     error  // the cause, for the log; may be nil

	Violations []Violation // of CodeInvalid: each field that is wrong; may be empty
}

// Violation is one field of a request that is wrong.
type Violation struct {
	Field   string // its path in the request, for instance "settings.service_periods[1].weekly.end"
	Problem string // what is wrong and what to give instead
}

// Error returns the message and, for the log, the cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is compare codes and reasons, so that an error with a message
// of its own still equals the one declared below.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Reason == e.Reason
}

// Errorf makes an Error; its message is formatted like fmt.Sprintf's.
func Errorf(code Code, reason, format string, args ...any) *Error {
	return &Error{Code: code, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// CodeOf returns the code of the first Error in err's chain, CodeInternal if there is none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}

// Errors that callers compare with errors.Is.
var (
	ErrSessionNotFound = &Error{Code: CodeNotFound, Reason: "SESSION_NOT_FOUND", Message: "there is no session with this id"}
	ErrSessionClosed   = &Error{Code: CodePrecondition, Reason: "SESSION_CLOSED", Message: "the session is closed; request a new handoff"}
	ErrBeyondLog       = &Error{Code: CodeOutOfRange, Reason: "CURSOR_BEYOND_LOG", Message: "after_sequence is beyond the session's last event; start again from 0 or from the last sequence that you saw"}
	ErrAgentNotFound   = &Error{Code: CodeNotFound, Reason: "AGENT_NOT_FOUND", Message: "there is no agent with this id; configure it with ConfigureProvider"}
	ErrBadPageToken    = &Error{Code: CodeInvalid, Reason: "BAD_PAGE_TOKEN", Message: "page_token is not one that this call returned; leave it out to start from the first page"}
)
