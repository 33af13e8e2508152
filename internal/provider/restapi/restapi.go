// Package restapi makes the calls of vendors whose API is JSON over HTTP, and
// turns what comes back into the port's classes of errors.
package restapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// maxAnswer is how much of an answer is read. Vendors send whole conversations.
const maxAnswer = 8 << 20

// userAgent says who calls.
const userAgent = "Handoff/1"

// Client calls one vendor's API. It is safe for concurrent use.
type Client struct {
	HTTP   *http.Client
	Now    handoff.Clock
	Base   string      // address before the paths, without a slash at its end
	Header http.Header // of every call: credentials, versions

	// Judge returns the error of an answer, nil for none; nil = provider.FromStatus.
	Judge func(status int, header http.Header, body []byte) error
}

// Call is one call.
type Call struct {
	Method string
	Path   string // escaped, with a leading slash, and a query if there is one
	Body   any    // sent as JSON; nil = none
	Into   any    // filled from the answer's JSON; nil = it is not looked at
	Header http.Header

	// Seen is shown the headers of an answer that is good; may be nil.
	Seen func(http.Header)
}

// Do makes a call. What was cut or could not be understood is transient.
func (c *Client) Do(ctx context.Context, call Call) error {
	var body io.Reader
	if call.Body != nil {
		data, err := encode(call.Body)
		if err != nil {
			return provider.Errorf(provider.ClassRejected, "encode the call: %w", err)
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, c.Base+call.Path, body)
	if err != nil {
		return provider.Errorf(provider.ClassRejected, "make the call: %w", err)
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, header := range []http.Header{c.Header, call.Header} {
		maps.Copy(req.Header, header)
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return provider.Errorf(provider.ClassTransient, "%w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if failed := c.judge(resp, text); failed != nil {
		return failed
	}
	if err != nil {
		return provider.Errorf(provider.ClassTransient, "the answer was cut: %w", err)
	}
	if call.Seen != nil {
		call.Seen(resp.Header)
	}
	if call.Into == nil {
		return nil
	}
	if json.Unmarshal(text, call.Into) != nil {
		// Without the decoder's words, which quote the answer.
		return &provider.Error{Class: provider.ClassTransient, Status: resp.StatusCode, Err: errNotUnderstood}
	}
	return nil
}

type constError string

// Error implements error.
func (e constError) Error() string { return string(e) }

const errNotUnderstood = constError("the provider's answer is not the JSON that it should be")

func (c *Client) judge(resp *http.Response, body []byte) error {
	if c.Judge != nil {
		return c.Judge(resp.StatusCode, resp.Header, body)
	}
	return provider.FromStatus(resp.StatusCode, resp.Header, c.Now(), body)
}

// encode leaves <, > and & as they are: humans may get to see what a vendor logs.
func encode(body any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(body)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
