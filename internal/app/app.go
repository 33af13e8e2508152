// Package app puts the program together: it opens the database, wires the
// parts, listens, and stops them in order. Commands and tests embed it.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/config"
	"github.com/human-handoff/handoff/internal/dispatch"
	"github.com/human-handoff/handoff/internal/egress"
	"github.com/human-handoff/handoff/internal/feed"
	"github.com/human-handoff/handoff/internal/files"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/listen"
	"github.com/human-handoff/handoff/internal/provider/all"
	"github.com/human-handoff/handoff/internal/provider/webhook"
	"github.com/human-handoff/handoff/internal/reconcile"
	"github.com/human-handoff/handoff/internal/seal"
	"github.com/human-handoff/handoff/internal/server"
	"github.com/human-handoff/handoff/internal/server/file"
	"github.com/human-handoff/handoff/internal/server/hook"
	"github.com/human-handoff/handoff/internal/server/rpc"
	"github.com/human-handoff/handoff/internal/server/sse"
	"github.com/human-handoff/handoff/internal/server/wire"
	"github.com/human-handoff/handoff/internal/store"
	"github.com/human-handoff/handoff/internal/switchboard"
	"github.com/human-handoff/handoff/internal/timer"
	"github.com/human-handoff/handoff/internal/wake"
	"github.com/human-handoff/handoff/web"
)

// tokenLabel separates the keys of session tokens from other uses of the encryption key.
const tokenLabel = "handoff session token v1"

// App is the running program.
type App struct {
	config   config.Config
	log      *slog.Logger
	listener net.Listener
	metrics  *metrics
	store    *store.Store
	egress   *egress.Egress
	filesOut *egress.Egress // for files, which are larger than answers
	files    *files.Service
	signals  *agents.Signals
	confirms *agents.Confirms
	agents   *agents.Service
	auth     *auth.Authenticator
	dispatch *dispatch.Dispatcher
	feeds    *feed.Service
	timers   *timer.Loop
	listen   *listen.Runner
	server   *server.Server

	reconcile     []*reconcile.Loop
	queues        *reconcile.Queues
	switchboard   *switchboard.Service
	metricsServer *metricsServer

	drain          context.Context // done when streams have to end
	startDrain     context.CancelFunc
	background     sync.WaitGroup
	stopBackground context.CancelFunc
}

// New opens the database and the listener and wires everything; nothing is
// served and nothing is sent until Run.
func New(ctx context.Context, c config.Config, log *slog.Logger) (_ *App, err error) {
	a := &App{config: c, log: log}
	a.drain, a.startDrain = context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		if err != nil {
			a.close(ctx)
		}
	}()
	if a.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", c.Listen); err != nil {
		return nil, &config.Error{Flag: "listen", Env: "HANDOFF_LISTEN", Problem: err.Error()}
	}
	bucket, err := openBucket(ctx, c) // before anything is created
	if err != nil {
		return nil, err
	}
	if a.store, err = OpenStore(ctx, c.DatabasePath, log); err != nil {
		return nil, err
	}
	if err := a.store.RecoverChanges(ctx); err != nil {
		return nil, err
	}
	a.metrics = newMetrics(a.store, log)
	if c.MetricsListen != "" {
		if a.metricsServer, err = listenMetrics(ctx, c.MetricsListen, a.metrics, log); err != nil {
			return nil, err
		}
	}
	sealer, err := openSealer(ctx, c, a.store)
	if err != nil {
		return nil, err
	}
	a.egress = egress.New(egress.Options{AllowPrivate: c.AllowPrivate})
	if a.files, err = a.openFiles(bucket, sealer); err != nil {
		return nil, err
	}
	return a, a.connect(ctx, sealer)
}

// connect makes what works on the database and lets each part hear of the others.
func (a *App) connect(ctx context.Context, sealer *seal.Sealer) error {
	c, log, hub := a.config, a.log, wake.NewHub()
	a.agents = agents.New(agents.Config{
		Store: a.store, Kinds: all.Kinds(), Sealer: sealer, BaseURL: a.baseURL(), NewID: NewID, Now: time.Now, Logger: log,
		HTTP: a.egress.Client(), Files: a.files, Sent: a.sent,
	})
	a.files.OnFetch(a.agents)
	a.signals = agents.NewSignals(a.drain, a.agents)
	a.confirms = agents.NewConfirms(a.drain, a.agents)
	origin, err := a.store.SetMetaIfAbsent(ctx, "origin", []byte(NewID("db")))
	if err != nil {
		return err
	}
	service := handoff.NewService(handoff.Config{
		Store: a.store, Waker: hub, Capabilities: a.agents.Capabilities, Files: a.files, Signaler: a.signals, Confirmer: a.confirms,
		NewID: NewID, Now: time.Now, Origin: string(origin),
	})
	a.files.OnArrival(service)
	a.auth = auth.New(auth.Config{
		Store: a.store, Sessions: service, AdminKey: c.AdminKey, TokenKeys: sealer.MACKeys(tokenLabel), Sealer: sealer, NewID: NewID, Now: time.Now,
	})
	a.switchboard = switchboard.New(switchboard.Config{
		Store: a.store, Sessions: service, Connections: a.agents, Capabilities: a.agents.Capabilities, Link: a.files.Link, Now: time.Now, Logger: log,
	})
	a.dispatch = dispatch.New(dispatch.Config{
		Store: a.store, Connections: a.switchboard, Settler: service, Horizon: c.RetryHorizon, Degrade: a.degrade, Now: time.Now, Logger: log,
	})
	hub.OnDeliveries(a.dispatch)
	a.openFeeds(hub, sealer)
	a.timers = timer.New(timer.Config{Store: a.store, Firer: service, Now: time.Now, Logger: log})
	hub.OnTimer(a.timers.Nudge)
	a.openReconcile()
	a.listen = listen.New(listen.Config{Connections: a.agents, Receiver: a.switchboard, Lease: listen.Alone{}, Now: time.Now, Logger: log})
	a.agents.OnStatus(a.metrics.statusChanged)
	a.server = server.New(server.Config{
		Authenticate: server.Authenticate(a.auth), CORS: server.CORS(a.agents), Logger: log,
		Doors: a.doors(service),
	})
	return nil
}

// openFeeds makes what brings events to backends, and lets it hear of changes.
func (a *App) openFeeds(hub *wake.Hub, sealer *seal.Sealer) {
	a.feeds = feed.New(feed.Config{
		Store: a.store, Sealer: sealer, HTTP: a.egress.Client(), NewID: NewID, Now: time.Now, Logger: a.log,
		Encode: func(n feed.Notification) ([]byte, error) { return wire.NotificationJSON(n, a.files.URL) },
	})
	hub.OnChanged(a.feeds.Changed)
	a.feeds.OnState(a.agents.Changed)
	a.feeds.OnDisabled(a.metrics.eventWebhookDisabled)
	a.agents.FeedStates(a.feeds.State)
	a.metrics.countFeeds(a.feeds)
}

// openReconcile makes what asks providers for what webhooks have not told, and lets it
// hear of gaps.
func (a *App) openReconcile() {
	for _, billed := range []bool{false, true} {
		a.reconcile = append(a.reconcile, reconcile.New(reconcile.Config{
			Billed: billed, Store: a.store, Connections: a.agents, Receiver: a.switchboard, Now: time.Now, Logger: a.log,
		}))
	}
	a.queues = reconcile.NewQueues(reconcile.QueuesConfig{
		Store: a.store, Connections: a.agents, Receiver: a.switchboard, Now: time.Now, Logger: a.log,
	})
	a.agents.OnAvailable(func(connectionID string) {
		a.dispatch.Release(connectionID)
		a.nudgeReconcile()
	})
	a.agents.OnRecovered(a.nudgeReconcile)
}

// nudgeReconcile has providers asked for what may have been missed.
func (a *App) nudgeReconcile() {
	for _, loop := range a.reconcile {
		loop.Nudge()
	}
}

// doors is the one list of what the server offers.
func (a *App) doors(service *handoff.Service) []server.Handler {
	webhooks := hook.Webhooks{Connections: a.agents, Receiver: a.switchboard, Now: time.Now, Logger: a.log}
	return []server.Handler{
		rpc.New(rpc.Config{
			Handoff: service, Agents: a.agents, Feeds: a.feeds, Files: a.files, Auth: a.auth, Replay: webhooks.Replay,
			Drain: a.drain, NewID: NewID, Now: time.Now, Logger: a.log,
		}),
		sse.Events{Tailer: service, Guard: a.auth, Links: a.files.URL, Drain: a.drain, Now: time.Now, Logger: a.log},
		webhooks,
		hook.Consents{Consenter: a.agents, Logger: a.log},
		hook.Replies{
			Kind: webhook.Name, Parse: webhook.ParseReply, Sessions: service, Receiver: service,
			Authorizer: a.auth, Logger: a.log,
		},
		file.Door{Files: a.files, Origins: a.agents, Now: time.Now, Logger: a.log},
		server.Console{Auth: a.auth, Secure: strings.HasPrefix(a.config.PublicURL, "https://"), Logger: a.log},
		web.Pages{Origins: a.agents},
		server.Health{
			Checks:  []server.Check{{Name: "database", Run: a.store.Ping}},
			Metrics: a.metrics.handler(),
		},
	}
}

// Run makes the first admin key if there is none, takes up the deliveries that
// are due, serves until ctx is done and then drains: streams end, requests and
// calls under way get some seconds, and what is left stays in the database for
// the next start. announce is told the real address once it serves; without
// showKey no admin key is made.
func (a *App) Run(ctx context.Context, announce func(address string), showKey func(key string) error) error {
	defer a.close(ctx)
	if showKey != nil {
		if err := a.firstKey(ctx, showKey); err != nil {
			return err
		}
	}
	if err := a.feeds.Start(ctx); err != nil {
		return err
	}
	if err := a.dispatch.Start(ctx); err != nil {
		return err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	a.stopBackground = stop
	a.background.Go(func() { a.auth.Run(background, a.log) })
	a.background.Go(func() { a.timers.Run(background) })
	a.background.Go(func() { a.agents.Run(background) })
	a.background.Go(func() { a.files.Run(background) })
	for _, loop := range a.reconcile {
		a.background.Go(func() { loop.Run(background) })
	}
	a.background.Go(func() { a.queues.Run(background) })
	a.background.Go(func() { a.listen.Run(background) })
	a.background.Go(func() { a.switchboard.Run(background) })
	a.metricsServer.start()

	served := make(chan error, 1)
	go func() { served <- a.server.Serve(a.listener) }()
	announce(a.Addr())
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	a.log.InfoContext(ctx, "stopping")
	a.startDrain()
	a.server.Stop(ctx)
	return <-served
}

// Addr returns the address that the server listens on.
func (a *App) Addr() string { return a.listener.Addr().String() }

func (a *App) baseURL() string {
	if a.config.PublicURL != "" {
		return a.config.PublicURL
	}
	return "http://" + a.Addr()
}

// Close frees what New opened, for those who do not get to Run.
func (a *App) Close(ctx context.Context) { a.close(ctx) }

// close stops what runs and closes what is open; every step is safe when the
// one before it never happened.
func (a *App) close(ctx context.Context) {
	a.startDrain()
	if a.dispatch != nil {
		a.dispatch.Stop()
	}
	if a.stopBackground != nil {
		a.stopBackground()
	}
	a.background.Wait()
	if a.feeds != nil {
		a.feeds.Stop() // when nothing is committed any more
	}
	if a.signals != nil {
		a.signals.Wait()
		a.confirms.Wait()
	}
	a.metricsServer.stop(ctx)
	if a.listener != nil {
		_ = a.listener.Close() // the server closed it already, if it served
	}
	for _, out := range []*egress.Egress{a.egress, a.filesOut} {
		if out != nil {
			out.Close()
		}
	}
	if a.store == nil {
		return
	}
	if err := a.store.Close(); err != nil {
		a.log.ErrorContext(ctx, "store.close", slog.Any("error", err))
	}
}

// firstKey makes an admin key when none is configured and none was ever made.
func (a *App) firstKey(ctx context.Context, show func(key string) error) error {
	keys, err := a.auth.Keys(ctx)
	if err != nil || a.config.AdminKey != "" || len(keys) > 0 {
		return err
	}
	secret, _, err := a.auth.CreateKey(ctx, auth.ScopeAdmin, "", "first start")
	if err != nil {
		return err
	}
	return show(secret)
}

// sent implements provider.Deps for a connection.
func (a *App) sent(ctx context.Context, connectionID, vendorID string) (bool, error) {
	_, err := a.store.Sent(ctx, connectionID, vendorID)
	if errors.Is(err, handoff.ErrNotSent) {
		return false, nil
	}
	return err == nil, err
}

// NewID returns an id that is unique, hard to guess and ordered by time: a
// prefix and a UUID of version 7 (RFC 9562).
func NewID(prefix string) string {
	id := uuid.Must(uuid.NewV7()) // fails only if the system has no randomness
	return prefix + "_" + strings.ReplaceAll(id.String(), "-", "")
}
