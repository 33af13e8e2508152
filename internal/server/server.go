// Package server is the one listener and what all its doors share: who calls,
// which browser origins may, limits, health and a graceful stop.
//
//	rpc/    Connect, gRPC and gRPC-Web
//	hook/   webhooks of providers, and the reference system's reply routes
//	sse/    a session's log as Server-Sent Events
//	wire/   domain types to API messages and back
//
// The doors translate and authorise; no rule of the domain lives here.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"
)

const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
	// maxStreams is per connection, for backends that multiplex many sessions' streams.
	maxStreams = 10_000
	// stopGrace is how long requests under way get to end.
	stopGrace = 10 * time.Second
)

// Handler is a door: it mounts its routes.
type Handler interface {
	Mount(mux *http.ServeMux)
}

// Server serves the doors on one listener.
type Server struct {
	http *http.Server
	log  *slog.Logger
}

// Config is what a Server is made of.
type Config struct {
	Authenticate func(http.Handler) http.Handler
	CORS         func(http.Handler) http.Handler
	Doors        []Handler
	Logger       *slog.Logger
}

// New returns a server over HTTP/1.1 and cleartext HTTP/2. It has no write or
// read time-out, for those would cut streams; slow headers and idle
// connections are cut.
func New(c Config) *Server {
	mux := http.NewServeMux()
	for _, door := range c.Doors {
		door.Mount(mux)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &Server{
		log: c.Logger,
		http: &http.Server{
			Handler:           recoverPanics(c.Logger, c.Authenticate(c.CORS(mux))),
			ReadHeaderTimeout: headerTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    maxHeader,
			Protocols:         protocols,
			HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
			ErrorLog:          slog.NewLogLogger(c.Logger.Handler(), slog.LevelWarn),
		},
	}
}

// Serve serves on l until Stop; then it returns nil.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Stop takes no more requests and lets those under way end; what has not ended
// after a while is cut. Streams have to be ended by their owner first.
func (s *Server) Stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		s.log.WarnContext(ctx, "server.cut", slog.Any("error", err))
		_ = s.http.Close() // nothing more can be done for them
	}
}

func recoverPanics(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			log.ErrorContext(r.Context(), "server.panic", slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
			http.Error(w, "internal error", http.StatusInternalServerError)
		}()
		next.ServeHTTP(w, r)
	})
}
