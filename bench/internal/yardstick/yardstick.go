// Package yardstick has the bare things that the product is built on, each as a
// server with the product's own messages, so that one client measures both:
//
//	echo      Connect and nothing behind it
//	http      net/http and nothing behind it
//	gateway   the smallest honest gateway: commit, ordered delivery, mark
//	fanout    streams fed from memory
//
// They have no accounts, no rules, no retries and no recovery. They say what the
// machine allows; they are no products.
package yardstick

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
)

// Announcement precedes the address on standard output, as the product does it.
const Announcement = "listening on "

// Serve runs a yardstick on a free port of loopback until ctx is done. args are
// the yardstick's own.
func Serve(ctx context.Context, name string, args []string) error {
	mux := http.NewServeMux()
	switch name {
	case "echo":
		mux.Handle(handoffv1connect.NewHandoffServiceHandler(echo{}))
	case "http":
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	case "gateway":
		if len(args) != 2 {
			return errors.New("gateway takes a database file and the vendor's address")
		}
		if err := mountGateway(mux, args[0], args[1]); err != nil {
			return err
		}
	case "fanout":
		newFanout().mount(mux)
	default:
		return fmt.Errorf("no yardstick %q", name)
	}
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: mux, Protocols: protocols, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 10_000}, ReadHeaderTimeout: 10 * time.Second}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Fprintf(os.Stdout, "%shttp://%s\n", Announcement, listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// echo answers a message with itself.
type echo struct {
	handoffv1connect.UnimplementedHandoffServiceHandler
}

// SendMessage implements the one call of the echo.
func (echo) SendMessage(_ context.Context, r *handoffv1.SendMessageRequest) (*handoffv1.SendMessageResponse, error) {
	return answer(r, 1), nil
}
