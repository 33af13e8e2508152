// Command events is an agent's backend as an event webhook sees it: it verifies
// each call, leaves out repeats and prints what happened.
//
//	EVENTS_SECRET=whsec_… go run ./examples/events -listen 127.0.0.1:9091
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"google.golang.org/protobuf/encoding/protojson"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

const (
	maxBody       = 4 << 20
	headerTimeout = 10 * time.Second
)

func main() {
	address := flag.String("listen", "127.0.0.1:9091", "where to listen")
	flag.Parse()
	if err := run(*address, os.Getenv("EVENTS_SECRET")); err != nil {
		log.Fatal(err)
	}
}

func run(address, secret string) error {
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return fmt.Errorf("EVENTS_SECRET: %w", err)
	}
	listener, err := net.Listen("tcp", address) //nolint:noctx // until the program ends
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(os.Stdout, "listening on http://"+listener.Addr().String()+"/events")
	mux := http.NewServeMux()
	mux.Handle("POST /events", &receiver{verifier: verifier, taken: map[string]uint64{}})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// receiver takes events. What it has taken belongs into your database, in the
// transaction that acts on the event.
type receiver struct {
	verifier *standardwebhooks.Webhook

	mu    sync.Mutex
	taken map[string]uint64 // by session, the last sequence
}

// ServeHTTP takes one call. Anything but a 2xx makes Handoff call again.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxBody))
	if err != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	if err := r.verifier.Verify(body, request.Header); err != nil {
		http.Error(w, "not signed by our secret", http.StatusUnauthorized)
		return
	}
	// Fields may be added: do not refuse what you do not know.
	n := new(handoffv1.EventNotification)
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(body, n); err != nil {
		http.Error(w, "not an event", http.StatusBadRequest)
		return
	}
	r.take(n)
	w.WriteHeader(http.StatusNoContent)
}

func (r *receiver) take(n *handoffv1.EventNotification) {
	session, event := n.GetData().GetSessionId(), n.GetData().GetEvent()
	if session == "" { // a test
		_, _ = fmt.Fprintln(os.Stdout, n.GetType())
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if event.GetSequence() <= r.taken[session] {
		return // a repeat: our answer got lost, or came too late
	}
	r.taken[session] = event.GetSequence()
	_, _ = fmt.Fprintln(os.Stdout, session, event.GetSequence(), n.GetType(), event.GetMessage().GetText())
}
