package slack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"github.com/coder/websocket"

	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/socket"
)

// Socket Mode (https://docs.slack.dev/apis/events-api/using-socket-mode).
const (
	maxFrame  = 4 << 20 // as for a webhook's body
	ackIn     = 5 * time.Second
	lingerFor = 30 * time.Second // after Slack said that it is about to end a connection

	frameHello      = "hello"
	frameDisconnect = "disconnect"
	frameEvent      = "events_api"
	frameButtons    = "interactive"

	linkDisabled = "link_disabled" // reason of a disconnect

	headerRetry  = "X-Slack-Retry-Num"
	headerReason = "X-Slack-Retry-Reason"
)

var _ provider.Listener = (*Adapter)(nil)

// frame is what comes over a connection.
type frame struct {
	Type       string          `json:"type"`
	EnvelopeID string          `json:"envelope_id"`
	Reason     string          `json:"reason"` // of a disconnect
	Payload    json.RawMessage `json:"payload"`
	Attempt    int             `json:"retry_attempt"`
	RetryFor   string          `json:"retry_reason"`
}

var appID = regexp.MustCompile(`^xapp-\d+-(A[A-Z0-9]+)-`)

// ListenKey implements provider.Listener: it is the app, among whose connections
// Slack spreads the events.
func (a *Adapter) ListenKey() string {
	if a.appToken == "" {
		return ""
	}
	if match := appID.FindStringSubmatch(a.appToken); match != nil {
		return a.client.base + "/" + match[1]
	}
	sum := sha256.Sum256([]byte(a.appToken))
	return a.client.base + "/" + hex.EncodeToString(sum[:])
}

// Listen implements provider.Listener.
func (a *Adapter) Listen(ctx context.Context, line provider.Line) error {
	conn, err := a.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.CloseNow() }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go socket.KeepAlive(ctx, conn, cancel)
	s := connection{conn: conn, line: line}
	defer s.stop()
	for {
		f, err := s.read(ctx)
		if err != nil {
			if s.leaving != nil {
				return nil
			}
			return provider.Errorf(provider.ClassTransient, "the connection to Slack was cut: %w", err)
		}
		if err := s.on(ctx, cancel, f); err != nil {
			return err
		}
	}
}

// dial opens a connection.
func (a *Adapter) dial(ctx context.Context) (*websocket.Conn, error) {
	address, err := a.client.socket(ctx, a.appToken)
	if err != nil {
		return nil, err
	}
	return a.client.vendor().Dial(ctx, a.client.rest.HTTP, address)
}

// connection is one connection.
type connection struct {
	conn    *websocket.Conn
	line    provider.Line
	leaving *time.Timer // set once Slack said that it is about to end it
}

func (s *connection) stop() {
	if s.leaving != nil {
		s.leaving.Stop()
	}
}

func (s *connection) read(ctx context.Context) (frame, error) {
	var f frame
	for {
		_, data, err := s.conn.Read(ctx)
		if err != nil {
			return f, err
		}
		if decode(data, &f) {
			return f, nil
		} // else it is nothing that Slack has told anybody of
	}
}

// on does what a frame asks for.
func (s *connection) on(ctx context.Context, end context.CancelFunc, f frame) error {
	switch f.Type {
	case frameHello:
		s.line.Up()
		return nil
	case frameDisconnect:
		if f.Reason == linkDisabled {
			return provider.Errorf(provider.ClassIncomplete, "Socket Mode is switched off for the app; switch it on at https://api.slack.com/apps, Socket Mode")
		}
		if s.leaving == nil {
			s.leaving = time.AfterFunc(lingerFor, end)
			s.line.Renew()
		}
		return nil
	case frameEvent, frameButtons:
		if !s.taken(ctx, f) {
			return nil // Slack sends it again
		}
	}
	return s.acknowledge(ctx, f)
}

func (s *connection) taken(ctx context.Context, f frame) bool {
	return s.line.Take(ctx, requestOf(f)) == nil
}

// acknowledge tells Slack that it need not send an event again.
func (s *connection) acknowledge(ctx context.Context, f frame) error {
	if f.EnvelopeID == "" {
		return nil
	}
	data, err := json.Marshal(map[string]string{"envelope_id": f.EnvelopeID})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, ackIn)
	defer cancel()
	if err := s.conn.Write(ctx, websocket.MessageText, data); err != nil && s.leaving == nil {
		return provider.Errorf(provider.ClassTransient, "the connection to Slack was cut: %w", err)
	}
	return nil
}

// requestOf is an event in the form in which it would be a webhook.
func requestOf(f frame) provider.Request {
	r := provider.Request{Method: http.MethodPost, Header: http.Header{}, Body: f.Payload}
	r.Header.Set(jsonContentHeader, "application/json")
	if f.Type == frameButtons {
		r.Header.Set(jsonContentHeader, formType)
		r.Body = []byte(url.Values{payloadField: {string(f.Payload)}}.Encode())
	}
	if f.Attempt > 0 {
		r.Header.Set(headerRetry, strconv.Itoa(f.Attempt))
		r.Header.Set(headerReason, f.RetryFor)
	}
	return r
}

// socket asks for the address of a connection.
func (c *client) socket(ctx context.Context, appToken string) (string, error) {
	asApp := *c
	asApp.rest.Header = http.Header{"Authorization": {"Bearer " + appToken}}
	var into struct {
		URL string `json:"url"`
	}
	if err := asApp.do(ctx, methodOpenSocket, nil, struct{}{}, &into); err != nil {
		return "", err
	}
	return c.at(into.URL)
}

// vendor is whose connections they are.
func (c *client) vendor() socket.Vendor {
	return socket.Vendor{Name: "Slack", Own: defaultBase, Base: c.base, Limit: maxFrame}
}

// at returns an address that Slack gave out, if it is one of Slack's.
func (c *client) at(address string) (string, error) { return c.vendor().At(address) }
