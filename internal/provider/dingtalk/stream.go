package dingtalk

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/coder/websocket"

	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/restapi"
	"github.com/human-handoff/handoff/internal/provider/socket"
)

const (
	pathConnect   = "/v1.0/gateway/connections/open"
	topicMessages = "/v1.0/im/bot/messages/get"
	topicCards    = "/v1.0/card/instances/callback"

	frameSystem   = "SYSTEM"
	frameCallback = "CALLBACK"

	topicPing       = "ping"
	topicDisconnect = "disconnect"

	maxFrame  = 4 << 20 // as for a webhook's body
	ackIn     = 5 * time.Second
	lingerFor = 30 * time.Second // after DingTalk said that it is about to end a connection

	// headerFrame is when DingTalk made the frame that brought an event: a button that
	// is pressed twice is told by it from one press that comes twice.
	headerFrame = "X-Handoff-Frame-Time"
)

// frame is what comes over a connection.
type frame struct {
	Type    string `json:"type"`
	Headers struct {
		Topic     string `json:"topic"`
		MessageID string `json:"messageId"`
		Time      string `json:"time"`
	} `json:"headers"`
	Data string `json:"data"`
}

// ListenKey implements provider.Listener: it is the app, among whose connections
// DingTalk spreads the messages.
func (a *Adapter) ListenKey() string {
	if !a.stream {
		return ""
	}
	return a.base + "/" + a.id
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
	line.Up()
	s := stream{conn: conn, line: line}
	defer s.stop()
	for {
		_, data, err := conn.Read(ctx)
		if err != nil && s.leaving != nil {
			return nil
		}
		if err == nil {
			err = s.on(ctx, cancel, data)
		}
		if err != nil {
			return provider.Errorf(provider.ClassTransient, "the connection to DingTalk was cut: %w", err)
		}
	}
}

// dial opens a connection with a ticket that serves once.
func (a *Adapter) dial(ctx context.Context) (*websocket.Conn, error) {
	var got struct {
		Endpoint string `json:"endpoint"`
		Ticket   string `json:"ticket"`
	}
	within, cancel := context.WithTimeout(ctx, provider.CallTimeout)
	defer cancel()
	err := a.rest.Do(within, restapi.Call{Method: http.MethodPost, Path: pathConnect, Into: &got, Body: map[string]any{
		"clientId": a.id, "clientSecret": a.secret, "ua": "handoff/1",
		"subscriptions": []map[string]string{
			{"type": frameCallback, "topic": topicMessages}, {"type": frameCallback, "topic": topicCards},
		},
	}})
	if err != nil {
		return nil, err
	}
	v := socket.Vendor{Name: "DingTalk", Own: apiBase, Base: a.base, Host: domain, Limit: maxFrame}
	return v.Dial(ctx, a.rest.HTTP, withTicket(got.Endpoint, got.Ticket))
}

// stream is one connection.
type stream struct {
	conn    *websocket.Conn
	line    provider.Line
	leaving *time.Timer // set once DingTalk said that it is about to end it
}

func (s *stream) stop() {
	if s.leaving != nil {
		s.leaving.Stop()
	}
}

// on does what a frame asks for. What is not on disk is not acknowledged.
func (s *stream) on(ctx context.Context, end context.CancelFunc, data []byte) error {
	var f frame
	if !decode(data, &f) {
		return nil // nothing that DingTalk has told anybody of
	}
	answer := `{"response":null}`
	switch {
	case f.Type == frameSystem && f.Headers.Topic == topicDisconnect:
		if s.leaving == nil {
			s.leaving = time.AfterFunc(lingerFor, end)
			s.line.Renew()
		}
		return nil
	case f.Type == frameSystem && f.Headers.Topic == topicPing:
		answer = f.Data
	case f.Type == frameSystem:
		return nil
	case f.Type == frameCallback:
		if !s.taken(ctx, &f) {
			return nil // DingTalk sends it again
		}
	default:
		answer = `{"status":"SUCCESS","message":""}`
	}
	return s.acknowledge(ctx, f.Headers.MessageID, answer)
}

func decode(data []byte, into any) bool { return json.Unmarshal(data, into) == nil }

func (s *stream) taken(ctx context.Context, f *frame) bool {
	return s.line.Take(ctx, requestOf(f)) == nil
}

func (s *stream) acknowledge(ctx context.Context, id, data string) error {
	text, err := json.Marshal(map[string]any{
		"code": http.StatusOK, "message": "OK", "data": data,
		"headers": map[string]string{"messageId": id, "contentType": "application/json"},
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, ackIn)
	defer cancel()
	if err := s.conn.Write(ctx, websocket.MessageText, text); err != nil && s.leaving == nil {
		return err
	}
	return nil
}

// requestOf is an event in the form in which it would be a webhook.
func requestOf(f *frame) provider.Request {
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set(headerFrame, f.Headers.Time)
	return provider.Request{Method: http.MethodPost, Header: header, Body: []byte(f.Data)}
}

// withTicket puts the ticket into an address that DingTalk gave out.
func withTicket(endpoint, ticket string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "" // which is no address
	}
	query := u.Query()
	query.Set("ticket", ticket)
	u.RawQuery = query.Encode()
	return u.String()
}
