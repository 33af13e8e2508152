package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/stdwebhook"
)

// The paths of the calls, below the server's address.
const (
	pathEstablish = "/conversation/establish"
	pathChat      = "/chat"
	pathClose     = "/conversation/close"
)

// maxAnswer is how much of an answer is read. Nothing in it is needed but to
// quote it in an error, and to read it to its end keeps the connection usable.
const maxAnswer = 64 << 10

// client calls the developer's server.
type client struct {
	http     *http.Client
	now      handoff.Clock
	base     string
	username string
	password string
	key      []byte // of signatures; empty = none
}

// post makes one call. The key is the same for each attempt. Any 2xx is
// success, whatever the body says: GPTBots documents a code in it, but no values.
func (c *client) post(ctx context.Context, path, key string, body any) error {
	data, err := encode(body)
	if err != nil {
		return provider.Errorf(provider.ClassRejected, "encode the call: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(data))
	if err != nil {
		return provider.Errorf(provider.ClassRejected, "make the call: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Handoff/1")
	req.Header.Set("Idempotency-Key", key)
	if c.username != "" || c.password != "" {
		req.SetBasicAuth(c.username, c.password)
	}
	if len(c.key) > 0 {
		stdwebhook.Sign(req.Header, key, c.now(), data, c.key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return provider.Errorf(provider.ClassTransient, "%w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // the status alone decides
	return provider.FromStatus(resp.StatusCode, resp.Header, c.now(), text)
}

// encode leaves <, > and & as they are: a server that logs the body sees the message as it was written.
func encode(body any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(body)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
