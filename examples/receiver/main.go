// Command receiver is a small desk of your own: the server that Handoff's
// `webhook` provider calls. It takes the three calls of that contract, checks
// them strictly, and prints each as one line of JSON on standard output:
//
//	go run ./examples/receiver -username desk -password secret
//
// What a real server would do is open a ticket on /conversation/establish, add
// to it on /chat, end it on /conversation/close, and post the human's answers to
// Handoff's /v1/human/message/receive. Three habits are worth copying:
//
//   - Answer 2xx only for what is safely stored. Handoff repeats everything else.
//   - A repeated call has the same Idempotency-Key. Answer it, but do it once.
//   - A call with "istest": true is a probe. Check it, but start nothing.
//
// With -control it also listens on a second address for tests, which tell it to
// misbehave (see control.go).
package main

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"mime"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// call is the body of each of the three calls. Unknown fields are welcome.
type call struct {
	ConversationID string          `json:"conversation_id"`
	Timestamp      int64           `json:"timestamp"` // milliseconds
	BotID          string          `json:"bot_id"`    // establish
	Type           string          `json:"type"`      // close
	Body           json.RawMessage `json:"body"`      // establish: []turn; chat: string
	IsTest         bool            `json:"istest"`
}

type turn struct {
	MessageType string  `json:"message_type"`
	Text        *string `json:"text"`
}

// desk is the whole state.
type desk struct {
	prefix, username, signingSecret string
	lenient                         bool

	mu            sync.Mutex
	password      string
	conversations map[string]bool // true while open
	done          map[string]bool // idempotency keys of calls that were taken
	control       control
	out           *json.Encoder
}

func main() {
	d := &desk{conversations: map[string]bool{}, done: map[string]bool{}, out: json.NewEncoder(os.Stdout)}
	listen := flag.String("listen", "127.0.0.1:9090", "address to listen on; port 0 picks a free one")
	controlListen := flag.String("control", "", "address on which tests tell the desk to misbehave")
	flag.StringVar(&d.prefix, "prefix", "", "path before /conversation/establish and so on")
	flag.StringVar(&d.username, "username", "", "user name that callers must give (HTTP Basic)")
	flag.StringVar(&d.password, "password", "", "password that callers must give (HTTP Basic)")
	flag.StringVar(&d.signingSecret, "signing-secret", "", "secret with which calls must be signed (Standard Webhooks)")
	flag.BoolVar(&d.lenient, "lenient", false, "take calls for conversations that began before this process did")
	flag.Parse()

	if *controlListen != "" {
		go serve("control", *controlListen, http.HandlerFunc(d.serveControl))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+d.prefix+"/conversation/establish", d.handle(d.establish))
	mux.HandleFunc("POST "+d.prefix+"/chat", d.handle(d.chat))
	mux.HandleFunc("POST "+d.prefix+"/conversation/close", d.handle(d.close))
	serve("listening", *listen, mux)
}

func serve(what, address string, handler http.Handler) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s on http://%s\n", what, listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.Serve(listener))
}

// refusal is an answer other than 200, mostly because the call is not taken.
type refusal struct {
	status  int
	message string
}

// handle wraps what the three calls have in common: who calls, what form it has,
// whether it was taken before, and the line of the log.
func (d *desk) handle(take func(call) *refusal) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
		if err != nil {
			return // the caller went away
		}
		d.mu.Lock()
		refused := d.check(r, raw)
		var c call
		if refused == nil {
			c, refused = parse(raw)
		}
		key := r.Header.Get("Idempotency-Key")
		repeat := key != "" && d.done[key]
		trouble := d.control.next(strings.TrimPrefix(r.URL.Path, d.prefix), c)
		if refused == nil {
			refused = trouble.refusal
		}
		if refused == nil && !repeat {
			if refused = take(c); refused == nil && !c.IsTest {
				d.done[key] = true
			}
		}
		if refused == nil {
			refused = trouble.instead // another 2xx, after the call was taken
		}
		d.print(r, raw, refused, repeat)
		d.mu.Unlock()
		if trouble.before(w, r) {
			answer(w, refused)
		}
	}
}

func answer(w http.ResponseWriter, refused *refusal) {
	w.Header().Set("Content-Type", "application/json")
	body := struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{0, "success"}
	if refused != nil {
		body.Code, body.Message = refused.status*100, refused.message
		w.WriteHeader(refused.status)
	}
	if err := json.NewEncoder(w).Encode(body); err != nil {
		log.Print(err)
	}
}

// print writes the call as one line of JSON. Credentials are left out.
func (d *desk) print(r *http.Request, raw []byte, refused *refusal, repeat bool) {
	status, body := http.StatusOK, any(json.RawMessage(raw))
	if refused != nil {
		status = refused.status
	}
	if !json.Valid(raw) {
		body = string(raw)
	}
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	err := d.out.Encode(map[string]any{
		"time": time.Now(), "path": r.URL.Path, "status": status, "repeat": repeat, "body": body,
		"idempotency_key": r.Header.Get("Idempotency-Key"),
		"headers": map[string]string{
			"Authorization": scheme, "Content-Type": r.Header.Get("Content-Type"), "Webhook-Id": r.Header.Get("Webhook-Id"),
			"Webhook-Timestamp": r.Header.Get("Webhook-Timestamp"), "User-Agent": r.UserAgent(),
		},
	})
	if err != nil {
		log.Print(err)
	}
}

// check looks at everything but the body's meaning.
func (d *desk) check(r *http.Request, raw []byte) *refusal {
	username, password, _ := r.BasicAuth()
	if d.username != "" && (username != d.username || subtle.ConstantTimeCompare([]byte(password), []byte(d.password)) != 1) {
		return &refusal{http.StatusUnauthorized, "bad credentials"}
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return &refusal{http.StatusUnsupportedMediaType, "give application/json"}
	}
	if d.signingSecret != "" {
		if err := verify(d.signingSecret, r.Header, raw); err != nil {
			return &refusal{http.StatusUnauthorized, err.Error()}
		}
	}
	return nil
}
