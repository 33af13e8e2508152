package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/config"
	"github.com/human-handoff/handoff/internal/handoff"
)

const metricsHeaderTimeout = 10 * time.Second

// scrapeTimeout bounds what a scrape may ask of the database.
const scrapeTimeout = 2 * time.Second

// metrics is what operators see of the gateway's work, beside the process's own.
type metrics struct {
	registry      *prometheus.Registry
	store         agentCounter
	log           *slog.Logger
	agents        *prometheus.Desc
	statusChanges *prometheus.CounterVec

	feeds       feedCounter // nil until countFeeds
	webhooks    *prometheus.Desc
	webhookLag  *prometheus.Desc
	webhookEnds *prometheus.CounterVec
}

// feedCounter knows how event webhooks fare.
type feedCounter interface {
	Counts() (states map[handoff.FeedState]int, pendingSessions int)
}

type agentCounter interface {
	AgentCounts(ctx context.Context) ([]agents.AgentCount, error)
}

func newMetrics(store agentCounter, log *slog.Logger) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(), store: store, log: log,
		agents: prometheus.NewDesc("handoff_agents", "Agents by the kind of their provider and their service state.", []string{"provider", "state"}, nil),
		statusChanges: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "handoff_provider_status_changes_total",
			Help: "Changes of a provider's status by kind, new state and reason code.",
		}, []string{"provider", "state", "reason"}),
		webhooks:   prometheus.NewDesc("handoff_event_webhooks", "Event webhooks by state.", []string{"state"}, nil),
		webhookLag: prometheus.NewDesc("handoff_event_webhook_pending_sessions", "Sessions with events that an event webhook has not taken yet.", nil, nil),
		webhookEnds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "handoff_event_webhooks_disabled_total",
			Help: "Event webhooks that were disabled because they were gone or failed for days, by reason.",
		}, []string{"reason"}),
	}
	m.registry.MustRegister(m, m.statusChanges, m.webhookEnds, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.agents
	ch <- m.webhooks
	ch <- m.webhookLag
}

// Collect implements prometheus.Collector: what the database knows is counted
// when it is asked for.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	if m.feeds != nil {
		states, pending := m.feeds.Counts()
		for state, n := range states {
			ch <- prometheus.MustNewConstMetric(m.webhooks, prometheus.GaugeValue, float64(n), string(state))
		}
		ch <- prometheus.MustNewConstMetric(m.webhookLag, prometheus.GaugeValue, float64(pending))
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	counts, err := m.store.AgentCounts(ctx)
	if err != nil {
		m.log.ErrorContext(ctx, "metrics.agents", slog.Any("error", err))
		return // the others are still worth having
	}
	for _, c := range counts {
		ch <- prometheus.MustNewConstMetric(m.agents, prometheus.GaugeValue, float64(c.Agents), c.Kind, string(c.State))
	}
}

// statusChanged counts a provider's new status.
func (m *metrics) statusChanged(c *handoff.Connection) {
	m.statusChanges.WithLabelValues(c.Kind, string(c.Status.State), c.Status.ReasonCode).Inc()
}

// countFeeds lets scrapes see how event webhooks fare. It is called once, before
// the first scrape.
func (m *metrics) countFeeds(c feedCounter) { m.feeds = c }

// eventWebhookDisabled counts an event webhook that was disabled by itself.
func (m *metrics) eventWebhookDisabled(reason string) { m.webhookEnds.WithLabelValues(reason).Inc() }

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(m.log.Handler(), slog.LevelError)})
}

// metricsServer is the second address for operators, with /metrics and pprof
// and without a key. A nil one is none.
type metricsServer struct {
	http     *http.Server
	listener net.Listener
	log      *slog.Logger
}

func listenMetrics(ctx context.Context, address string, m *metrics, log *slog.Logger) (*metricsServer, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, &config.Error{Flag: "metrics-listen", Env: "HANDOFF_METRICS_LISTEN", Problem: err.Error()}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.handler())
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return &metricsServer{&http.Server{Handler: mux, ReadHeaderTimeout: metricsHeaderTimeout}, l, log}, nil
}

func (m *metricsServer) start() {
	if m == nil {
		return
	}
	m.log.Info("metrics", slog.String("address", m.listener.Addr().String()))
	go func() {
		if err := m.http.Serve(m.listener); !errors.Is(err, http.ErrServerClosed) {
			m.log.Error("metrics.serve", slog.Any("error", err))
		}
	}()
}

func (m *metricsServer) stop(ctx context.Context) {
	if m == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = m.http.Shutdown(ctx) // nothing is lost with a scrape
	_ = m.listener.Close()   // in case it never served
}
