package wire

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/human-handoff/handoff/internal/handoff"
)

// errorDomain names us in the ErrorInfo that every error carries.
const errorDomain = "handoff"

var codes = map[handoff.Code]connect.Code{
	handoff.CodeInvalid:         connect.CodeInvalidArgument,
	handoff.CodeNotFound:        connect.CodeNotFound,
	handoff.CodeUnauthenticated: connect.CodeUnauthenticated,
	handoff.CodePermission:      connect.CodePermissionDenied,
	handoff.CodePrecondition:    connect.CodeFailedPrecondition,
	handoff.CodeOutOfRange:      connect.CodeOutOfRange,
	handoff.CodeAborted:         connect.CodeAborted,
	handoff.CodeExhausted:       connect.CodeResourceExhausted,
	handoff.CodeUnavailable:     connect.CodeUnavailable,
	handoff.CodeUnimplemented:   connect.CodeUnimplemented,
}

// Error turns any error into the one that callers see. It carries an ErrorInfo
// with a machine-readable reason. What is not an error of the domain's or
// Connect's is internal, and its text stays here.
func Error(err error) *connect.Error {
	var ce *connect.Error
	var de *handoff.Error
	switch {
	case errors.As(err, &de) && de.Code != handoff.CodeInternal:
		return withViolations(withReason(connect.NewError(codes[de.Code], errors.New(de.Message)), de.Reason), de.Violations)
	case errors.As(err, &ce):
		if len(ce.Details()) > 0 && hasReason(ce) {
			return ce
		}
		return withReason(ce, reasonOf(ce.Code()))
	case errors.Is(err, context.Canceled):
		return withReason(connect.NewError(connect.CodeCanceled, errors.New("the call was cancelled")), "CANCELED")
	case errors.Is(err, context.DeadlineExceeded):
		return withReason(connect.NewError(connect.CodeDeadlineExceeded, errors.New("the call took longer than its deadline")), "DEADLINE_EXCEEDED")
	default:
		return withReason(connect.NewError(connect.CodeInternal, errors.New("internal error; the server's log tells more")), "INTERNAL")
	}
}

func withReason(e *connect.Error, reason string) *connect.Error {
	if d, err := connect.NewErrorDetail(&errdetails.ErrorInfo{Reason: reason, Domain: errorDomain}); err == nil {
		e.AddDetail(d)
	}
	return e
}

// withViolations adds what is wrong with which field, as protovalidate does.
func withViolations(e *connect.Error, list []handoff.Violation) *connect.Error {
	if len(list) == 0 {
		return e
	}
	violations := &validate.Violations{}
	for _, v := range list {
		violations.Violations = append(violations.Violations, &validate.Violation{Field: fieldPath(v.Field), Message: &v.Problem})
	}
	if d, err := connect.NewErrorDetail(violations); err == nil {
		e.AddDetail(d)
	}
	return e
}

// fieldPath reads a path such as "settings.service_periods[1].weekly.end".
func fieldPath(path string) *validate.FieldPath {
	p := &validate.FieldPath{}
	for part := range strings.SplitSeq(path, ".") {
		name, index, indexed := strings.Cut(strings.TrimSuffix(part, "]"), "[")
		element := &validate.FieldPathElement{FieldName: &name}
		if i, err := strconv.ParseUint(index, 10, 32); indexed && err == nil {
			element.Subscript = &validate.FieldPathElement_Index{Index: i}
		}
		p.Elements = append(p.Elements, element)
	}
	return p
}

func hasReason(e *connect.Error) bool {
	for _, d := range e.Details() {
		if d.Type() == string((&errdetails.ErrorInfo{}).ProtoReflect().Descriptor().FullName()) {
			return true
		}
	}
	return false
}

// reasonOf names errors that Connect or protovalidate found.
func reasonOf(code connect.Code) string {
	switch code {
	case connect.CodeInvalidArgument:
		return "INVALID_REQUEST"
	case connect.CodeResourceExhausted:
		return "BODY_TOO_LARGE"
	case connect.CodeUnimplemented:
		return "NOT_BUILT"
	default:
		return strings.ToUpper(code.String())
	}
}

// HTTPStatus returns the status that the Connect protocol gives a code.
func HTTPStatus(code connect.Code) int {
	switch code {
	case connect.CodeInvalidArgument, connect.CodeOutOfRange, connect.CodeFailedPrecondition:
		return http.StatusBadRequest
	case connect.CodeUnauthenticated:
		return http.StatusUnauthorized
	case connect.CodePermissionDenied:
		return http.StatusForbidden
	case connect.CodeNotFound:
		return http.StatusNotFound
	case connect.CodeAborted:
		return http.StatusConflict
	case connect.CodeResourceExhausted:
		return http.StatusTooManyRequests
	case connect.CodeUnavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}
