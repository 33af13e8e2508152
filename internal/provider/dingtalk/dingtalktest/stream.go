package dingtalktest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/human-handoff/handoff/internal/provider"
)

const (
	streamPath = "/connect"
	ticketFor  = 90 * time.Second
	frameIn    = 5 * time.Second
)

// streams are the connections of Stream mode. DingTalk gives each message to one of
// them, and again, maybe to another, when it was not acknowledged.
type streams struct {
	mu       sync.Mutex
	patience time.Duration // how long an acknowledgement may take; 0 = a minute
	tries    int           // 0 = 3
	tickets  map[string]time.Time
	open     []*connection
	changed  chan struct{} // closed when open has changed
	turn     int
	acks     map[string]chan string // by message id, the data of the answer
}

type connection struct {
	conn    *websocket.Conn
	leaving bool // no more messages go over it
	gone    chan struct{}
}

// SetRetries sets how long an acknowledgement may take, and how often a message is
// sent. What is seen of DingTalk is a minute, and a few times.
func (e *Emulator) SetRetries(patience time.Duration, tries int) {
	e.streams.mu.Lock()
	defer e.streams.mu.Unlock()
	e.streams.patience, e.streams.tries = patience, tries
}

func (e *Emulator) openConnection(r *http.Request, body []byte) (any, error) {
	var given struct {
		ClientID      string `json:"clientId"`
		ClientSecret  string `json:"clientSecret"`
		UserAgent     string `json:"ua"`
		LocalIP       string `json:"localIp"`
		Subscriptions []struct {
			Type  string `json:"type"`
			Topic string `json:"topic"`
		} `json:"subscriptions"`
	}
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	switch {
	case e.revoked || given.ClientID != e.id || given.ClientSecret != e.secret:
		return nil, refusal{http.StatusUnauthorized, "authFailed", "鉴权失败"}
	case len(given.Subscriptions) == 0:
		return nil, invalidParameter("subscriptions")
	}
	ticket := rand.Text()
	e.streams.mu.Lock()
	defer e.streams.mu.Unlock()
	if e.streams.tickets == nil {
		e.streams.tickets = map[string]time.Time{}
	}
	e.streams.tickets[ticket] = e.now()
	return map[string]string{"endpoint": "ws://" + r.Host + streamPath, "ticket": ticket}, nil
}

func (e *Emulator) serveStream(w http.ResponseWriter, r *http.Request) {
	s := &e.streams
	ticket := r.URL.Query().Get("ticket")
	s.mu.Lock()
	given, known := s.tickets[ticket]
	delete(s.tickets, ticket)
	s.mu.Unlock()
	if !known || e.now().Sub(given) > ticketFor {
		http.Error(w, "unknown ticket", http.StatusForbidden)
		return
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	mine := &connection{conn: conn, gone: make(chan struct{})}
	s.add(mine)
	defer s.remove(mine)
	_ = writeFrame(r.Context(), conn, "SYSTEM", "CONNECTED", rand.Text(), "{}")
	for {
		_, data, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		s.acknowledged(data)
	}
}

func writeFrame(ctx context.Context, conn *websocket.Conn, kind, topic, id, data string) error {
	text, err := json.Marshal(map[string]any{
		"specVersion": "1.0", "type": kind, "data": data,
		"headers": map[string]string{
			"topic": topic, "messageId": id, "contentType": "application/json", "time": strconv.FormatInt(time.Now().UnixMilli(), 10),
		},
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, frameIn)
	defer cancel()
	return conn.Write(ctx, websocket.MessageText, text)
}

func (s *streams) add(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = append(s.open, c)
	s.change()
}

func (s *streams) remove(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = slices.DeleteFunc(s.open, func(o *connection) bool { return o == c })
	close(c.gone)
	s.change()
}

// change tells those who wait that other connections are open. The caller holds mu.
func (s *streams) change() {
	if s.changed != nil {
		close(s.changed)
	}
	s.changed = make(chan struct{})
}

func (s *streams) acknowledged(data []byte) {
	var ack struct {
		Code    int    `json:"code"`
		Data    string `json:"data"`
		Headers struct {
			MessageID string `json:"messageId"`
		} `json:"headers"`
	}
	if json.Unmarshal(data, &ack) != nil || ack.Code != http.StatusOK {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.acks[ack.Headers.MessageID]; c != nil {
		c <- ack.Data
		delete(s.acks, ack.Headers.MessageID)
	}
}

// await waits for a connection, each in turn; nil if none was opened in time.
func (s *streams) await(ctx context.Context) *connection {
	for {
		s.mu.Lock()
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		s.turn++
		for i := range s.open {
			if o := s.open[(s.turn+i)%len(s.open)]; !o.leaving {
				s.mu.Unlock()
				return o
			}
		}
		wait := s.changed
		s.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil
		}
	}
}

// Connections returns how many connections are open.
func (e *Emulator) Connections() int {
	e.streams.mu.Lock()
	defer e.streams.mu.Unlock()
	return len(e.streams.open)
}

// Deliver takes what came to the robot, in the form of a webhook, over Stream mode,
// as often as DingTalk does. It reports whether it was acknowledged.
func (e *Emulator) Deliver(ctx context.Context, r provider.Request) bool {
	s := &e.streams
	s.mu.Lock()
	patience, tries := s.patience, s.tries
	s.mu.Unlock()
	if patience == 0 {
		patience, tries = time.Minute, 3
	}
	for range tries {
		if _, ok := e.frame(ctx, patience, "CALLBACK", topicOf(r.Body), string(r.Body)); ok {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
	}
	return false
}

// Ping asks whether a connection is alive, and reports whether it answered with what
// it was asked.
func (e *Emulator) Ping(ctx context.Context) bool {
	opaque := `{"opaque":"` + rand.Text() + `"}`
	got, ok := e.frame(ctx, frameIn, "SYSTEM", "ping", opaque)
	return ok && got == opaque
}

func topicOf(body []byte) string {
	if strings.Contains(string(body), `"outTrackId"`) {
		return "/v1.0/card/instances/callback"
	}
	return "/v1.0/im/bot/messages/get"
}

// frame sends a frame once, under an id of its own, and returns what it was answered with.
func (e *Emulator) frame(ctx context.Context, patience time.Duration, kind, topic, data string) (string, bool) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s := &e.streams
	to := s.await(ctx)
	if to == nil {
		return "", false
	}
	id, done := rand.Text(), make(chan string, 1)
	s.mu.Lock()
	if s.acks == nil {
		s.acks = map[string]chan string{}
	}
	s.acks[id] = done
	s.mu.Unlock()
	if writeFrame(ctx, to.conn, kind, topic, id, data) != nil {
		return "", false
	}
	select {
	case got := <-done:
		return got, true
	case <-ctx.Done():
	case <-to.gone:
	}
	return "", false
}

// Refresh announces the end of all connections, and ends them after a while.
func (e *Emulator) Refresh(ctx context.Context, after time.Duration) {
	for _, o := range e.leave() {
		_ = writeFrame(ctx, o.conn, "SYSTEM", "disconnect", rand.Text(), `{"reason":"server upgrade"}`)
		go func() {
			select {
			case <-o.gone:
			case <-time.After(after):
				_ = o.conn.Close(websocket.StatusGoingAway, "upgrade")
			}
		}()
	}
}

// Cut cuts all connections.
func (e *Emulator) Cut() {
	for _, o := range e.leave() {
		_ = o.conn.CloseNow()
	}
}

func (e *Emulator) leave() []*connection {
	e.streams.mu.Lock()
	defer e.streams.mu.Unlock()
	for _, o := range e.streams.open {
		o.leaving = true
	}
	return slices.Clone(e.streams.open)
}
