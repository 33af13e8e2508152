package chaos_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// refuseWord in a message makes the vendor refuse it for good.
const refuseWord = "refuse me"

// vendor is the developer's server that the gateway calls: it notes each call
// and has bad days.
type vendor struct {
	address string
	seed    uint64
	server  *http.Server

	door     sync.Mutex // one change of the listener at a time
	listener net.Listener

	mu       sync.Mutex
	weather  step
	hits     map[fault]int  // calls that met the weather
	tries    map[string]int // of each key
	calls    []*call
	pushed   []*call // events
	open     map[*call]bool
	clock    uint64
	process  int               // the server process of the connections that come now
	accepted map[string]bool   // remote addresses of this process's connections
	waiting  map[net.Conn]bool // connections that may hold a call nobody has read
	settled  map[string]bool   // keys of messages that need no more calls
}

type processKey struct{}

// taggedConn is a connection of which is known what process it comes from.
type taggedConn struct {
	net.Conn

	process int
}

// startVendor starts the server on a port of its own.
func startVendor(seed uint64) (*vendor, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	v := &vendor{
		address: address, seed: seed, hits: map[fault]int{}, tries: map[string]int{}, open: map[*call]bool{},
		accepted: map[string]bool{}, waiting: map[net.Conn]bool{}, settled: map[string]bool{},
	}
	v.server = &http.Server{
		Handler:           v,
		ReadHeaderTimeout: time.Minute,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			tagged, _ := c.(*taggedConn)
			return context.WithValue(ctx, processKey{}, tagged.process)
		},
		ConnState: func(c net.Conn, state http.ConnState) {
			v.mu.Lock()
			defer v.mu.Unlock()
			v.waiting[c] = true
			if state != http.StateNew && state != http.StateIdle {
				delete(v.waiting, c)
			}
		},
	}
	return v, v.up()
}

// up opens the door.
func (v *vendor) up() error {
	v.door.Lock()
	defer v.door.Unlock()
	if v.listener != nil {
		return nil
	}
	listener, err := net.Listen("tcp", v.address)
	if err != nil {
		return err
	}
	v.listener = listener
	go func() { _ = v.server.Serve(&taggingListener{listener, v}) }() // ends when the door is closed
	return nil
}

// down closes the door. Calls under way are cut, and connections that are kept
// take no more.
func (v *vendor) down() {
	v.door.Lock()
	defer v.door.Unlock()
	if v.listener != nil {
		_ = v.listener.Close()
		v.listener = nil
	}
}

func (v *vendor) close() {
	v.down()
	_ = v.server.Close()
}

// taggingListener notes which process a connection comes from.
type taggingListener struct {
	net.Listener

	v *vendor
}

// Accept implements net.Listener.
func (l *taggingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.v.mu.Lock()
	defer l.v.mu.Unlock()
	l.v.accepted[c.RemoteAddr().String()] = true
	return &taggedConn{c, l.v.process}, nil
}

// nextProcess tells that the server has ended and another one is about to
// start. Connections are accepted in the order in which they were made, so one
// that is made now comes after all of the dead process's.
func (v *vendor) nextProcess() error {
	v.door.Lock()
	defer v.door.Unlock()
	var mark net.Conn
	if v.listener != nil {
		var err error
		if mark, err = net.Dial("tcp", v.address); err != nil {
			return err
		}
		defer func() { _ = mark.Close() }()
	}
	return within(10*time.Second, func() error {
		v.mu.Lock()
		defer v.mu.Unlock()
		if mark != nil && !v.accepted[mark.LocalAddr().String()] {
			return errors.New("the vendor does not accept connections")
		}
		for c := range v.waiting {
			if mark == nil || c.RemoteAddr().String() != mark.LocalAddr().String() {
				return errors.New("the vendor still reads from the dead process")
			}
		}
		v.process++
		v.accepted = map[string]bool{}
		return nil
	})
}

// set changes the weather; the zero step is a fine day.
func (v *vendor) set(w step) error {
	v.mu.Lock()
	v.weather = w
	if w.Fault == down {
		v.hits[down] += len(v.open)
		clear(v.open) // what is under way gets no answer
	}
	v.mu.Unlock()
	if w.Fault == down {
		v.down()
		return nil
	}
	return v.up()
}

// met counts the calls that met a kind of weather.
func (v *vendor) met(f fault) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.hits[f]
}

// done counts the messages that were taken or refused for good.
func (v *vendor) done() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.settled)
}

// ServeHTTP implements http.Handler.
func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, probe, err := v.read(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusTeapot) // which the checker finds
		return
	}
	if probe {
		w.WriteHeader(http.StatusOK)
		return
	}
	today, ok := v.arrive(c)
	if !ok {
		panic(http.ErrAbortHandler) // nobody is there to take it
	}
	if today.Fault == slow || today.Fault == silence {
		pause := today.For / 4
		if today.Fault == silence {
			pause = time.Minute // longer than anybody waits
		}
		select {
		case <-time.After(pause):
		case <-r.Context().Done():
		}
	}
	if !v.answer(c, today) {
		panic(http.ErrAbortHandler)
	}
	if c.RetryAfter > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int(c.RetryAfter/time.Second)))
	}
	w.WriteHeader(c.Status)
	_, _ = io.WriteString(w, `{"code":0,"message":"noted"}`)
}

func (v *vendor) read(r *http.Request) (c *call, probe bool, err error) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, false, err
	}
	if r.URL.Path == eventsPath {
		c, err = readEvent(r, data)
		return c, false, err
	}
	var body struct {
		ConversationID string          `json:"conversation_id"`
		Body           json.RawMessage `json:"body"`
		Type           string          `json:"type"`
		IsTest         bool            `json:"istest"`
	}
	if err := json.Unmarshal(data, &body); err != nil {
		return nil, false, err
	}
	process, _ := r.Context().Value(processKey{}).(int)
	c = &call{Path: r.URL.Path, Session: body.ConversationID, Key: r.Header.Get("Idempotency-Key"), Type: body.Type, Process: process}
	if c.Path == "/chat" {
		err = json.Unmarshal(body.Body, &c.Text)
	}
	return c, body.IsTest, err
}

// arrive notes a call. It says what weather it met, and whether anybody was there.
func (v *vendor) arrive(c *call) (step, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	today := v.weather
	if today.Fault == down {
		v.hits[down]++
		return today, false
	}
	v.clock++
	c.Arrived, c.Time = v.clock, time.Now()
	if c.Path == eventsPath {
		v.pushed = append(v.pushed, c)
	} else {
		v.calls = append(v.calls, c)
	}
	v.open[c] = true
	v.tries[c.Key]++
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, v.seed, c.Path, c.Text, c.Content, v.tries[c.Key])
	if int(h.Sum32()%100) >= today.Share {
		return step{}, true
	}
	v.hits[today.Fault]++
	return today, true
}

// answer notes the answer to a call; it reports whether there is one.
func (v *vendor) answer(c *call, today step) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	there := v.open[c] && today.Fault != cuts && today.Fault != silence
	delete(v.open, c)
	if !there {
		return false
	}
	v.clock++
	c.Answered, c.Took, c.Status = v.clock, time.Since(c.Time), http.StatusOK
	switch {
	case today.Fault == errors5:
		c.Status = http.StatusServiceUnavailable
	case today.Fault == storm:
		c.Status, c.RetryAfter = http.StatusTooManyRequests, time.Second
	case c.Path == "/chat" && len(c.Text) >= len(refuseWord) && c.Text[:len(refuseWord)] == refuseWord:
		c.Status = http.StatusUnprocessableEntity
	}
	if c.Path == "/chat" && (isSuccess(c.Status) || isRefusal(c.Status)) {
		v.settled[c.Key] = true
	}
	return true
}

// within tries something until it succeeds or time is up.
func within(limit time.Duration, try func() error) error {
	deadline := time.Now().Add(limit)
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		err := try()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(pause)
	}
}
