package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/human-handoff/handoff/internal/config"
)

const metricsHeaderTimeout = 10 * time.Second

// metricsHandler serves the process's own metrics; those of the gateway's work
// register themselves beside them.
func metricsHandler() http.Handler { return promhttp.Handler() }

// metricsServer is the second address for operators, with /metrics and pprof
// and without a key. A nil one is none.
type metricsServer struct {
	http     *http.Server
	listener net.Listener
	log      *slog.Logger
}

func listenMetrics(ctx context.Context, address string, log *slog.Logger) (*metricsServer, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, &config.Error{Flag: "metrics-listen", Env: "HANDOFF_METRICS_LISTEN", Problem: err.Error()}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metricsHandler())
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
