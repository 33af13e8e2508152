package yardstick

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"strconv"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"
	_ "modernc.org/sqlite" // the driver "sqlite", as the product's

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
)

const (
	gatewayWorkers = 128 // deliveries under way
	gatewayBatch   = 512 // operations in one commit
	gatewayRetry   = 20 * time.Millisecond
)

// GatewaySecret signs what the gateway sends and gets.
const GatewaySecret = "bench-secret"

// Sign returns the signature of a body.
func Sign(body []byte) string {
	h := hmac.New(sha256.New, []byte(GatewaySecret))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

func answer(r *handoffv1.SendMessageRequest, sequence int64) *handoffv1.SendMessageResponse {
	return &handoffv1.SendMessageResponse{Message: &handoffv1.Message{
		Id: "msg_" + strconv.FormatInt(sequence, 10), ClientMessageId: r.GetClientMessageId(), Author: handoffv1.Author_AUTHOR_CUSTOMER,
		Text: r.GetText(), Status: handoffv1.MessageStatus_MESSAGE_STATUS_ACCEPTED, Time: timestamppb.Now(),
	}}
}

// The kinds of operations that the gateway's writer commits.
const (
	fromCustomer = iota
	fromVendor
	delivered
)

type operation struct {
	kind               int
	session, key, body string
	id, sequence       int64
	known              bool          // the key was used before
	done               chan struct{} // nil for marks: nobody waits for them
}

// gateway takes a message, commits it with its outbox row together with all
// others that wait, delivers it in its session's order and commits that too.
// What the vendor sends is verified, committed once and streamed.
type gateway struct {
	handoffv1connect.UnimplementedHandoffServiceHandler

	queue  chan *operation
	client *http.Client
	vendor string
	slots  chan struct{}

	mu    sync.Mutex
	lanes map[string][]*operation // a lane that is there has a worker

	readers   sync.RWMutex
	followers map[string]map[chan *handoffv1.Event]struct{}
}

func mountGateway(mux *http.ServeMux, path, vendor string) error {
	g := &gateway{
		queue: make(chan *operation, 8192), vendor: vendor, slots: make(chan struct{}, gatewayWorkers),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: gatewayWorkers, MaxIdleConns: gatewayWorkers}, Timeout: 10 * time.Second},
		lanes:  map[string][]*operation{}, followers: map[string]map[chan *handoffv1.Event]struct{}{},
	}
	w, err := openWriter(path)
	if err != nil {
		return err
	}
	go func() {
		if err := w.run(g.queue, g.committed); err != nil {
			log.Fatal("gateway: ", err)
		}
	}()
	mux.Handle(handoffv1connect.NewHandoffServiceHandler(g))
	mux.HandleFunc("POST /hook/{session}", g.hook)
	return nil
}

// committed passes on what is on disk now.
func (g *gateway) committed(o *operation) {
	switch {
	case o.known:
	case o.kind == fromCustomer:
		g.enqueue(o)
	case o.kind == fromVendor:
		e := humanEvent(o.sequence, o.body)
		g.readers.RLock()
		for c := range g.followers[o.session] {
			c <- e // waits for a reader that is far behind: nothing may get lost here
		}
		g.readers.RUnlock()
	}
	if o.done != nil {
		close(o.done)
	}
}

func humanEvent(sequence int64, text string) *handoffv1.Event {
	return &handoffv1.Event{Sequence: uint64(sequence), Time: timestamppb.Now(), Body: &handoffv1.Event_Message{
		Message: &handoffv1.Message{Id: "msg_" + strconv.FormatInt(sequence, 10), Author: handoffv1.Author_AUTHOR_HUMAN, Text: text},
	}}
}

func (g *gateway) do(o *operation) {
	o.done = make(chan struct{})
	g.queue <- o
	<-o.done
}

// SendMessage answers once the message is on disk.
func (g *gateway) SendMessage(_ context.Context, r *handoffv1.SendMessageRequest) (*handoffv1.SendMessageResponse, error) {
	o := &operation{kind: fromCustomer, session: r.GetSessionId(), key: r.GetClientMessageId(), body: r.GetText()}
	g.do(o)
	return answer(r, o.sequence), nil
}

func (g *gateway) hook(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if !hmac.Equal([]byte(Sign(body)), []byte(r.Header.Get("X-Signature"))) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	g.do(&operation{kind: fromVendor, session: r.PathValue("session"), key: r.Header.Get("X-Event-Id"), body: string(body)})
}

// StreamReplies sends what comes from now on.
func (g *gateway) StreamReplies(ctx context.Context, r *handoffv1.StreamRepliesRequest, out *connect.ServerStream[handoffv1.StreamRepliesResponse]) error {
	events := make(chan *handoffv1.Event, 1024)
	g.readers.Lock()
	if g.followers[r.GetSessionId()] == nil {
		g.followers[r.GetSessionId()] = map[chan *handoffv1.Event]struct{}{}
	}
	g.followers[r.GetSessionId()][events] = struct{}{}
	g.readers.Unlock()
	defer func() {
		g.readers.Lock()
		delete(g.followers[r.GetSessionId()], events)
		g.readers.Unlock()
	}()
	return forward(ctx, events, out)
}

func (g *gateway) enqueue(o *operation) {
	g.mu.Lock()
	lane, busy := g.lanes[o.session]
	g.lanes[o.session] = append(lane, o)
	g.mu.Unlock()
	if !busy {
		go g.work(o.session)
	}
}

// work empties a lane, one delivery after the other.
func (g *gateway) work(session string) {
	for {
		g.mu.Lock()
		lane := g.lanes[session]
		if len(lane) == 0 {
			delete(g.lanes, session)
			g.mu.Unlock()
			return
		}
		g.lanes[session] = lane[1:]
		g.mu.Unlock()
		g.slots <- struct{}{}
		for !g.deliver(lane[0]) {
			time.Sleep(gatewayRetry)
		}
		<-g.slots
		g.queue <- &operation{kind: delivered, id: lane[0].id}
	}
}

func (g *gateway) deliver(o *operation) bool {
	body, _ := json.Marshal(map[string]any{"conversation_id": o.session, "timestamp": time.Now().UnixMilli(), "body": o.body})
	r, err := http.NewRequest(http.MethodPost, g.vendor+"/chat", bytes.NewReader(body))
	if err != nil {
		return false
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Signature", Sign(body))
	resp, err := g.client.Do(r)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode < http.StatusMultipleChoices
}

// writer is the one connection that writes.
type writer struct {
	begin, commit, event, outbox, mark *sql.Stmt
	last                               map[string]int64 // sequence of each session
}

const gatewaySchema = `
CREATE TABLE events(id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL, seq INTEGER NOT NULL, kind INTEGER NOT NULL, t_ns INTEGER NOT NULL, idem TEXT NOT NULL, body TEXT NOT NULL);
CREATE UNIQUE INDEX e1 ON events(session_id, seq);
CREATE UNIQUE INDEX e2 ON events(session_id, idem);
CREATE TABLE outbox(event_id INTEGER PRIMARY KEY, session_id TEXT NOT NULL, state INTEGER NOT NULL);`

func openWriter(path string) (*writer, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=wal_autocheckpoint(10000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, gatewaySchema); err != nil {
		return nil, err
	}
	w := &writer{last: map[string]int64{}}
	for stmt, text := range map[**sql.Stmt]string{
		&w.begin: "BEGIN IMMEDIATE", &w.commit: "COMMIT",
		&w.event:  "INSERT INTO events(session_id,seq,kind,t_ns,idem,body) VALUES(?,?,?,?,?,?) ON CONFLICT(session_id,idem) DO NOTHING",
		&w.outbox: "INSERT INTO outbox(event_id,session_id,state) VALUES(?,?,0)",
		&w.mark:   "UPDATE outbox SET state=1 WHERE event_id=?",
	} {
		if *stmt, err = conn.PrepareContext(ctx, text); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// run commits whatever waits at a time in one transaction.
func (w *writer) run(queue <-chan *operation, committed func(*operation)) error {
	var batch []*operation
	for first := range queue {
		batch = append(batch[:0], first)
		for more := true; more && len(batch) < gatewayBatch; {
			select {
			case o := <-queue:
				batch = append(batch, o)
			default:
				more = false
			}
		}
		if _, err := w.begin.Exec(); err != nil {
			return err
		}
		for _, o := range batch {
			if err := w.write(o); err != nil {
				return err
			}
		}
		if _, err := w.commit.Exec(); err != nil {
			return err
		}
		for _, o := range batch {
			committed(o)
		}
	}
	return nil
}

func (w *writer) write(o *operation) error {
	if o.kind == delivered {
		_, err := w.mark.Exec(o.id)
		return err
	}
	sequence := w.last[o.session] + 1
	result, err := w.event.Exec(o.session, sequence, o.kind, time.Now().UnixNano(), o.key, o.body)
	if err != nil {
		return err
	}
	if n, _ := result.RowsAffected(); n == 0 {
		o.known = true
		return nil
	}
	w.last[o.session], o.sequence = sequence, sequence
	o.id, _ = result.LastInsertId()
	if o.kind == fromCustomer {
		_, err = w.outbox.Exec(o.id, o.session)
	}
	return err
}
