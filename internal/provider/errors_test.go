package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/human-handoff/handoff/internal/handoff"
)

var now = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

func TestFromStatus(t *testing.T) {
	for status, want := range map[int]Class{
		100: ClassRejected, 300: ClassRejected, 301: ClassRejected, 304: ClassRejected, 308: ClassRejected,
		400: ClassRejected, 401: ClassCredentials, 402: ClassRejected, 403: ClassCredentials, 404: ClassRejected,
		408: ClassTransient, 409: ClassRejected, 422: ClassRejected, 425: ClassTransient, 429: ClassRateLimited,
		499: ClassRejected, 500: ClassTransient, 501: ClassTransient, 503: ClassTransient, 599: ClassTransient,
	} {
		err := FromStatus(status, nil, now, []byte("because"))
		var e *Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, want, e.Class, status)
		assert.Equal(t, status, e.Status)
		assert.ErrorContains(t, err, strconv.Itoa(status))
	}
	for _, status := range []int{200, 201, 202, 204, 299} {
		require.NoError(t, FromStatus(status, nil, now, []byte(`{"code":500}`)))
	}
}

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "3599": 3599 * time.Second, "3600": time.Hour, "3601": time.Hour,
		"99999999999": time.Hour, "18446744073709551616": time.Hour, "-1": 0, "1.5": 0, "soon": 0,
		"Tue, 03 Feb 2026 04:06:06 GMT":    time.Minute,
		"Tue, 03 Feb 2026 04:05:05 GMT":    0,
		"Wed, 04 Feb 2026 04:05:06 GMT":    time.Hour,
		"Tuesday, 03-Feb-26 04:06:06 GMT":  time.Minute, // the two obsolete forms that RFC 9110 wants read
		"Tue Feb  3 04:06:06 2026":         time.Minute,
		"Tue, 03 Feb 0001 04:06:06 GMT":    0,
		"Tue, 03 Feb 9999 04:06:06 GMT":    time.Hour,
		"Tue, 03 Feb 2026 04:06:06 +01:00": 0,
	} {
		err := FromStatus(http.StatusTooManyRequests, http.Header{"Retry-After": {value}}, now, nil)
		var e *Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, want, e.RetryAfter, value)
	}
	err := FromStatus(http.StatusBadRequest, http.Header{"Retry-After": {"7"}}, now, nil)
	var e *Error
	require.ErrorAs(t, err, &e)
	assert.Zero(t, e.RetryAfter, "what is refused for good is not tried again")
}

func TestRedirectNamesWhereToWithoutSecrets(t *testing.T) {
	err := FromStatus(http.StatusFound, http.Header{"Location": {"https://u:p@example.com/login?token=abc#frag"}}, now, []byte("<html>Found"))
	assert.EqualError(t, err, "the provider answered 302 Found; redirects are not followed, configure the address itself (https://example.com/login)")
	err = FromStatus(http.StatusFound, http.Header{"Location": {"%zz"}}, now, nil)
	assert.EqualError(t, err, "the provider answered 302 Found; redirects are not followed, configure the address itself")
}

func TestBodyIsQuotedShortAndOnOneLine(t *testing.T) {
	err := FromStatus(http.StatusBadRequest, nil, now, []byte("  one\r\n\ttwo \x1b[31mred\x00 \u202egnp.exe \xff three\n"))
	assert.EqualError(t, err, "the provider answered 400 Bad Request: one two [31mred gnp.exe three")
	rapid.Check(t, func(t *rapid.T) {
		q := quote(string(rapid.SliceOfN(rapid.Byte(), 0, 1000).Draw(t, "body")) + rapid.String().Draw(t, "text"))
		if len(q) > maxQuote || !utf8.ValidString(q) || strings.ContainsAny(q, "\r\n\t\x00\x1b") {
			t.Fatalf("%q", q)
		}
	})
	assert.Len(t, quote(strings.Repeat("x", 10_000)), maxQuote)
}

func TestSummaryIsWithoutTheProvidersWords(t *testing.T) {
	err := FromStatus(http.StatusBadRequest, nil, now, []byte("your message 'help me' is bad"))
	var e *Error
	require.ErrorAs(t, fmt.Errorf("send: %w", err), &e)
	assert.Contains(t, e.Error(), "help me")
	assert.Equal(t, "the provider answered 400 Bad Request", e.Summary())
	assert.Equal(t, "no route", Errorf(ClassTransient, "no route").Summary())
}

func TestClasses(t *testing.T) {
	cause := errors.New("cause")
	err := fmt.Errorf("outer: %w", Errorf(ClassConsent, "inner: %w", cause))
	assert.Equal(t, ClassConsent, ClassOf(err))
	require.ErrorIs(t, err, cause)
	assert.Equal(t, ClassTransient, ClassOf(context.DeadlineExceeded))
	assert.Equal(t, "the call failed (rejected)", (&Error{Class: ClassRejected}).Error())
	for class, want := range map[Class]string{
		ClassCredentials: handoff.ReasonCredentials, ClassConsent: handoff.ReasonConsent, ClassIncomplete: handoff.ReasonIncomplete,
		ClassTransient: handoff.ReasonUnreachable, ClassRateLimited: handoff.ReasonUnreachable, ClassRejected: handoff.ReasonUnreachable,
	} {
		assert.Equal(t, want, class.ReasonCode())
	}
}
