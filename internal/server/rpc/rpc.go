// Package rpc serves the API over Connect, gRPC and gRPC-Web. Its handlers
// convert, call the domain and convert back.
//
//	rpc.go          the door: services, interceptors, reflection, health
//	scopes.go       which scopes may call which RPC
//	interceptor.go  what every RPC passes
//	sessions.go     HandoffService: sessions and conversations
//	providers.go    HandoffService: agents and their providers
//	stream.go       HandoffService: StreamReplies and WatchSessions
//	feeds.go        HandoffService and AdminService: event webhooks
//	keys.go         KeyService
//	admin.go        AdminService
//	desk.go         DeskService
//	chat.go         ChatService
//	files.go        HandoffService: uploads and signals
package rpc

import (
	"context"
	"log/slog"
	"net/http"
	"slices"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"
	"connectrpc.com/validate"

	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/feed"
	"github.com/human-handoff/handoff/internal/files"
	"github.com/human-handoff/handoff/internal/handoff"
)

// maxBody is the contract's limit on a request's body.
const maxBody = 4 << 20

// Door serves all RPCs.
type Door struct {
	config Config
}

// Config is what a Door is made of.
type Config struct {
	Handoff *handoff.Service
	Agents  *agents.Service
	Feeds   *feed.Service
	Files   *files.Service
	Auth    *auth.Authenticator
	Drain   context.Context // done when the server stops: streams end then
	Replay  func(ctx context.Context, quarantineID int64) (applied int, err error)
	NewID   func(prefix string) string
	Now     handoff.Clock
	Logger  *slog.Logger
}

// New returns a Door.
func New(c Config) *Door { return &Door{c} }

// minCompressed is how long an answer has to be for compression to gain more than
// it costs.
const minCompressed = 1 << 10

// services are the names of all that is served.
var services = []string{
	handoffv1connect.HandoffServiceName, handoffv1connect.KeyServiceName, handoffv1connect.AdminServiceName,
	handoffv1connect.DeskServiceName, handoffv1connect.ChatServiceName,
}

// Mount mounts the services, reflection and health.
func (d *Door) Mount(mux *http.ServeMux) {
	c := d.config
	options := connect.WithHandlerOptions(
		connect.WithReadMaxBytes(maxBody),
		connect.WithCompressMinBytes(minCompressed),
		connect.WithRecover(func(ctx context.Context, spec connect.Spec, _ http.Header, v any) error {
			c.Logger.ErrorContext(ctx, "rpc.panic", slog.String("procedure", spec.Procedure), slog.Any("panic", v))
			return handoff.Errorf(handoff.CodeInternal, "PANIC", "panic in %s", spec.Procedure)
		}),
		connect.WithInterceptors(&border{authorizer: c.Auth, now: c.Now, log: c.Logger}, validate.NewInterceptor()),
	)
	mount := func(path string, h http.Handler) { mux.Handle(path, noStore(h)) }
	mount(handoffv1connect.NewHandoffServiceHandler(&handoffServer{config: c}, options))
	mount(handoffv1connect.NewKeyServiceHandler(&keyServer{auth: c.Auth}, options))
	mount(handoffv1connect.NewAdminServiceHandler(&adminServer{config: c}, options))
	mount(handoffv1connect.NewDeskServiceHandler(&deskServer{config: c}, options))
	path, chat := handoffv1connect.NewChatServiceHandler(newChatServer(c), options)
	mount(path, markOwnPages(chat))
	mount(grpchealth.NewHandler(grpchealth.NewStaticChecker(services...)))
	reflector := grpcreflect.NewStaticReflector(append(slices.Clone(services), grpchealth.HealthV1ServiceName)...)
	mount(grpcreflect.NewHandlerV1(reflector))
	mount(grpcreflect.NewHandlerV1Alpha(reflector))
}

// noStore keeps the answers of Connect GETs out of caches: they change.
func noStore(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.Header().Set("Cache-Control", "no-store")
		}
		next.ServeHTTP(w, r)
	})
}
