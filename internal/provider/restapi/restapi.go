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
	"net/url"
	"strings"

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

	Form url.Values // sent as a form instead of Body; nil = none
	File *File      // sent as it is instead of Body; nil = none

	// Seen is shown the headers of an answer that is good; may be nil.
	Seen func(http.Header)
}

// File is content that is sent as it is.
type File struct {
	Content io.Reader
	Size    int64
	Type    string // media type
}

// payload returns what a call sends, nil for nothing, how long it is, and its media type.
func (c *Call) payload() (body io.Reader, size int64, mediaType string, err error) {
	switch {
	case c.File != nil && c.File.Size == 0:
		return http.NoBody, 0, c.File.Type, nil // of an empty reader the length would count as unknown
	case c.File != nil:
		return c.File.Content, c.File.Size, c.File.Type, nil
	case c.Form != nil:
		text := c.Form.Encode()
		return strings.NewReader(text), int64(len(text)), "application/x-www-form-urlencoded", nil
	case c.Body != nil:
		data, err := encode(c.Body)
		return bytes.NewReader(data), int64(len(data)), "application/json", err
	}
	return nil, 0, "", nil
}

// Do makes a call. What was cut or could not be understood is transient.
func (c *Client) Do(ctx context.Context, call Call) error {
	body, size, mediaType, err := call.payload()
	if err != nil {
		return provider.Errorf(provider.ClassRejected, "encode the call: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, c.Base+call.Path, body)
	if err != nil {
		return provider.Errorf(provider.ClassRejected, "make the call: %w", err)
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.ContentLength = size
		req.Header.Set("Content-Type", mediaType)
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
