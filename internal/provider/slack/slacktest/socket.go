package slacktest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/human-handoff/handoff/internal/provider"
)

const (
	socketPath = "/link"
	maxSockets = 10 // of one app

	helloIn = 5 * time.Second
)

// sockets are the connections over which events go in Socket Mode. Slack gives each
// event to one of them, and again, maybe to another, when no acknowledgement came.
type sockets struct {
	// Patience is how long an acknowledgement may take; 0 = 3 seconds, as at Slack.
	patience time.Duration
	pauses   []time.Duration // before each retry; nil = as at Slack

	mu      sync.Mutex
	tickets int
	issued  map[string]bool
	open    []*socket
	changed chan struct{} // closed when open has changed
	turn    int
	next    int                      // number of envelopes
	acks    map[string]chan struct{} // by envelope
}

// socket is one connection.
type socket struct {
	conn    *websocket.Conn
	leaving bool // no more events go over it
	gone    chan struct{}
}

// SetRetries sets how long an acknowledgement may take, and the pauses before each
// retry. Slack waits 3 seconds, and sends again at once, after a minute, after five.
func (e *Emulator) SetRetries(patience time.Duration, pauses ...time.Duration) {
	e.sockets.mu.Lock()
	defer e.sockets.mu.Unlock()
	e.sockets.patience, e.sockets.pauses = patience, pauses
}

func (e *Emulator) openConnection(c call) (object, string) {
	if !e.SocketMode {
		return nil, "socket_mode_not_enabled"
	}
	s := &e.sockets
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) >= maxSockets {
		return nil, "too_many_websockets"
	}
	s.tickets++
	ticket := fmt.Sprintf("ticket-%d", s.tickets)
	if s.issued == nil {
		s.issued = map[string]bool{}
	}
	s.issued[ticket] = true
	return object{"url": "ws://" + c.host + socketPath + "?" + url.Values{"ticket": {ticket}, "app_id": {app}}.Encode()}, ""
}

func (e *Emulator) serveSocket(w http.ResponseWriter, r *http.Request) {
	s := &e.sockets
	s.mu.Lock()
	ticket := r.URL.Query().Get("ticket")
	good := s.issued[ticket]
	delete(s.issued, ticket)
	s.mu.Unlock()
	if !good {
		http.Error(w, "unknown ticket", http.StatusForbidden)
		return
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	mine := &socket{conn: conn, gone: make(chan struct{})}
	n := s.add(mine)
	defer s.remove(mine)
	ctx, cancel := context.WithTimeout(r.Context(), helloIn)
	err = write(ctx, conn, object{"type": "hello", "num_connections": n, "debug_info": object{"approximate_connection_time": 18060}, "connection_info": object{"app_id": app}})
	cancel()
	for err == nil {
		var data []byte
		if _, data, err = conn.Read(r.Context()); err == nil {
			s.acknowledged(data)
		}
	}
}

func write(ctx context.Context, conn *websocket.Conn, frame object) error {
	data, err := json.Marshal(frame)
	if err != nil {
		return err
	}
	return conn.Write(ctx, websocket.MessageText, data)
}

func (s *sockets) add(mine *socket) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = append(s.open, mine)
	s.change()
	return len(s.open)
}

func (s *sockets) remove(mine *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = slices.DeleteFunc(s.open, func(o *socket) bool { return o == mine })
	close(mine.gone)
	s.change()
}

// change tells those who wait that other connections are open. The caller holds mu.
func (s *sockets) change() {
	if s.changed != nil {
		close(s.changed)
	}
	s.changed = make(chan struct{})
}

func (s *sockets) acknowledged(data []byte) {
	var ack struct {
		EnvelopeID string `json:"envelope_id"`
	}
	if json.Unmarshal(data, &ack) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.acks[ack.EnvelopeID]; c != nil {
		close(c)
		delete(s.acks, ack.EnvelopeID)
	}
}

// pick returns a connection, each in turn, or what to wait for.
func (s *sockets) pick() (*socket, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	s.turn++
	for i := range s.open {
		if o := s.open[(s.turn+i)%len(s.open)]; !o.leaving {
			return o, nil
		}
	}
	return nil, s.changed
}

// Connections returns how many connections are open.
func (e *Emulator) Connections() int {
	e.sockets.mu.Lock()
	defer e.sockets.mu.Unlock()
	return len(e.sockets.open)
}

// Deliver takes an event, in the form of a webhook, to the app over Socket Mode, as
// often as Slack does. It reports whether it was acknowledged.
func (e *Emulator) Deliver(ctx context.Context, r provider.Request) bool {
	s := &e.sockets
	s.mu.Lock()
	patience, pauses := s.patience, s.pauses
	s.mu.Unlock()
	if patience == 0 {
		patience, pauses = 3*time.Second, []time.Duration{0, time.Minute, 5 * time.Minute}
	}
	for attempt := range 1 + len(pauses) {
		if attempt > 0 && !sleep(ctx, pauses[attempt-1]) {
			return false
		}
		if e.deliver(ctx, r, attempt, patience) {
			return true
		}
	}
	return false
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// await waits for a connection; nil if none was opened in time.
func (s *sockets) await(ctx context.Context) *socket {
	for {
		to, wait := s.pick()
		if to != nil {
			return to
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil
		}
	}
}

// deliver sends an event once. While no connection is open it waits for one.
func (e *Emulator) deliver(ctx context.Context, r provider.Request, attempt int, patience time.Duration) bool {
	s := &e.sockets
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	to := s.await(ctx)
	if to == nil {
		return false
	}
	s.mu.Lock()
	s.next++
	id, done := fmt.Sprintf("envelope-%d", s.next), make(chan struct{})
	if s.acks == nil {
		s.acks = map[string]chan struct{}{}
	}
	s.acks[id] = done
	s.mu.Unlock()
	frame := object{"envelope_id": id, "type": "events_api", "payload": json.RawMessage(r.Body), "accepts_response_payload": false, "retry_attempt": attempt, "retry_reason": ""}
	if attempt > 0 {
		frame["retry_reason"] = "timeout"
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(r.Body))
		if err != nil {
			return false
		}
		frame["type"], frame["payload"] = "interactive", json.RawMessage(form.Get("payload"))
	}
	if write(ctx, to.conn, frame) != nil {
		return false
	}
	select {
	case <-done:
		return true
	case <-to.gone:
	case <-ctx.Done():
	}
	return false
}

// Refresh announces the end of all connections, as Slack does every few hours, and
// ends them after a while.
func (e *Emulator) Refresh(ctx context.Context, reason string, after time.Duration) {
	for _, o := range e.leave() {
		_ = write(ctx, o.conn, object{"type": "disconnect", "reason": reason, "debug_info": object{"host": "wss-111"}})
		go func() {
			select {
			case <-o.gone:
			case <-time.After(after):
				_ = o.conn.Close(websocket.StatusGoingAway, "refresh")
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

func (e *Emulator) leave() []*socket {
	e.sockets.mu.Lock()
	defer e.sockets.mu.Unlock()
	for _, o := range e.sockets.open {
		o.leaving = true
	}
	return slices.Clone(e.sockets.open)
}
