package providertest

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// failing makes the vendor fail and returns what each kind of call makes of it.
func (e *env) failing(t *testing.T, f emulator.Fault) map[string]*provider.Error {
	t.Helper()
	c := e.open(t)
	e.server.Fail(f)
	defer e.server.Heal()
	got := map[string]*provider.Error{}
	got["check"] = e.asError(t, e.conn.Check(t.Context()))
	fresh := e.newCall()
	_, err := e.desk.Open(t.Context(), fresh, someStart())
	got["open"] = e.asError(t, err)
	e.said = append(e.said, someStart().Question, someStart().Transcript[1].Text)
	c.IdempotencyKey = "msg-1"
	got["send"] = e.send(t, c, "words of the customer")
	if e.caps.CanClose {
		c.IdempotencyKey = "close-1"
		got["close"] = e.asError(t, e.desk.Close(t.Context(), c, handoff.ClosedByCustomer))
	}
	if got["close"] == nil && (f.Status == 404 || f.Status == 409 || f.Status == 410) {
		delete(got, "close") // what is gone, or as it should be, is closed
	}
	for name, err := range got {
		require.NotNil(t, err, "%s with %+v", name, f)
	}
	return got
}

func (e *env) assertClass(t *testing.T, f emulator.Fault, class provider.Class, wait time.Duration) {
	t.Helper()
	for _, f.BodyFirst = range []bool{false, true} {
		for name, err := range e.failing(t, f) {
			assert.Equal(t, class, err.Class, "%s with %+v: %v", name, f, err)
			assert.Equal(t, f.Status, err.Status, "%s with %+v", name, f)
			assert.Equal(t, wait, err.RetryAfter, "%s with %+v", name, f)
		}
	}
}

func refusedForGood(e *env) {
	t := e.t
	for _, status := range []int{400, 404, 405, 409, 410, 413, 415, 422, 451} {
		e.assertClass(t, emulator.Fault{Status: status}, provider.ClassRejected, 0)
	}
}

func refusedCredentials(e *env) {
	t := e.t
	e.assertClass(t, emulator.Fault{Status: 401}, provider.ClassCredentials, 0)
	e.assertClass(t, emulator.Fault{Status: 403}, provider.ClassCredentials, 0)
}

func tryAgain(e *env) {
	t := e.t
	for _, status := range []int{408, 425, 500, 502, 503, 504, 599} {
		e.assertClass(t, emulator.Fault{Status: status}, provider.ClassTransient, 0)
	}
	e.assertClass(t, emulator.Fault{Status: 503, Header: http.Header{"Retry-After": {"30"}}}, provider.ClassTransient, 30*time.Second)
}

func rateLimited(e *env) {
	t := e.t
	for value, want := range map[string]time.Duration{
		"":   0,
		"17": 17 * time.Second,
		e.now.Truncate(time.Second).Add(2 * time.Minute).Format(http.TimeFormat): 2*time.Minute - 789*time.Millisecond,
		e.now.Add(-time.Hour).Format(http.TimeFormat):                            0,
		"99999999999999999999": provider.MaxRetryAfter,
		"soon":                 0,
	} {
		e.assertClass(t, emulator.Fault{Status: 429, Header: http.Header{"Retry-After": {value}}}, provider.ClassRateLimited, want)
	}
	if e.h.Traits.RetryIn != nil {
		f := emulator.Fault{Status: 429, Header: e.h.Traits.RetryIn(e.now, 40*time.Second)}
		for name, err := range e.failing(t, f) {
			assert.InDelta(t, 40, err.RetryAfter.Seconds(), 1, "%s with the vendor's own headers", name)
		}
	}
}

func noAnswer(e *env) {
	t := e.t
	c := e.open(t)
	e.server.Fail(emulator.Fault{Hang: true})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	e.said = append(e.said, "are you there")
	_, err := e.desk.Send(ctx, c, handoff.Message{Text: "are you there"})
	known := e.asError(t, err)
	require.NotNil(t, known)
	assert.Equal(t, provider.ClassTransient, known.Class)
	assert.ErrorContains(t, known, "no answer")
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func cutConnection(e *env) {
	t := e.t
	e.assertClass(t, emulator.Fault{Cut: true}, provider.ClassTransient, 0)
}

func redirects(e *env) {
	t := e.t
	elsewhere := NewServer(t, http.NotFoundHandler())
	for _, status := range []int{301, 302, 303, 307, 308} {
		location := http.Header{"Location": {elsewhere.URL() + "/login?token=abc"}}
		for name, err := range e.failing(t, emulator.Fault{Status: status, Header: location}) {
			assert.Equal(t, provider.ClassRejected, err.Class, name)
			assert.ErrorContains(t, err, "redirect", name)
			assert.ErrorContains(t, err, elsewhere.URL()+"/login", name)
			assert.NotContains(t, err.Error(), "token", name)
		}
	}
	assert.Empty(t, elsewhere.Calls())
}
