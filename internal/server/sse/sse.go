// Package sse prints a session's log as Server-Sent Events (WHATWG HTML,
// section 9.2): id is the sequence, data the JSON of one Event. A client resumes
// with Last-Event-ID or ?after_sequence=.
package sse

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"connectrpc.com/connect"

	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/server/wire"
)

// writeTimeout bounds one write: a client that does not read is cut, and resumes.
const writeTimeout = 30 * time.Second

// Tailer is the log that is printed.
type Tailer interface {
	Log(ctx context.Context, sessionID string, after uint64, limit int) (handoff.Log, error)
	Stream(ctx context.Context, sessionID string, after uint64, from handoff.Author) iter.Seq2[handoff.Batch, error]
}

// Guard decides who may read a session and ends streams of revoked keys.
type Guard interface {
	Authorize(ctx context.Context, p auth.Principal, scopes []auth.Scope, t auth.Target) error
	Guard(ctx context.Context, p auth.Principal) (guarded context.Context, stop func())
}

// Events serves GET /v1/sessions/{session_id}/events.
type Events struct {
	Tailer Tailer
	Guard  Guard
	Links  wire.Links
	Drain  context.Context // done when the server stops: streams end then
	Now    handoff.Clock
	Logger *slog.Logger
}

// Mount mounts the route.
func (h Events) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/sessions/{session_id}/events", h.serve)
}

func (h Events) serve(w http.ResponseWriter, r *http.Request) {
	sessionID := r.PathValue("session_id")
	ctx, stop, after, err := h.open(r, sessionID)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	defer stop()
	log, err := h.Tailer.Log(ctx, sessionID, after, 1)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	if log.Closed && len(log.Events) == 0 {
		w.WriteHeader(http.StatusNoContent) // tells an EventSource not to come back
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back
	if err := h.print(w, h.Tailer.Stream(ctx, sessionID, after, handoff.AuthorHuman)); err != nil && ctx.Err() == nil {
		h.Logger.WarnContext(ctx, "sse.cut", slog.String("session_id", sessionID), slog.Any("error", err))
	}
}

// open authorises the caller and reads the cursor.
func (h Events) open(r *http.Request, sessionID string) (ctx context.Context, stop func(), after uint64, err error) {
	p, err := auth.Caller(r.Context())
	if err != nil {
		return nil, nil, 0, err
	}
	scopes := []auth.Scope{auth.ScopeAdmin, auth.ScopeAgent, auth.ScopeSession}
	if err := h.Guard.Authorize(r.Context(), p, scopes, auth.Target{SessionID: sessionID}); err != nil {
		return nil, nil, 0, err
	}
	cursor := r.Header.Get("Last-Event-ID")
	if cursor == "" {
		cursor = r.URL.Query().Get("after_sequence")
	}
	if cursor != "" {
		if after, err = strconv.ParseUint(cursor, 10, 63); err != nil {
			return nil, nil, 0, handoff.Errorf(handoff.CodeInvalid, "BAD_CURSOR", "Last-Event-ID and after_sequence take the sequence of an event, a number from 0")
		}
	}
	ctx, stop = h.Guard.Guard(r.Context(), p)
	context.AfterFunc(h.Drain, stop)
	return ctx, stop, after, nil
}

func (h Events) print(w http.ResponseWriter, batches iter.Seq2[handoff.Batch, error]) error {
	control := http.NewResponseController(w)
	out := bufio.NewWriter(w)
	for batch, err := range batches {
		if err != nil {
			return err
		}
		// Not every ResponseWriter has deadlines; then the kernel's hold.
		if err := control.SetWriteDeadline(h.Now().Add(writeTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		if err := h.printBatch(out, batch); err != nil {
			return err
		}
		if err := errors.Join(out.Flush(), control.Flush()); err != nil {
			return err
		}
	}
	return nil
}

// printBatch prints events, and signals without an id, for nobody resumes from one.
func (h Events) printBatch(out *bufio.Writer, batch handoff.Batch) error {
	if len(batch.Events)+len(batch.Signals) == 0 {
		_, _ = out.WriteString(": beat\n\n") // the error shows at Flush
	}
	for _, e := range batch.Events {
		if err := h.printEvent(out, e); err != nil {
			return err
		}
	}
	for _, s := range batch.Signals {
		data, err := wire.SignalJSON(s)
		if err != nil {
			return err
		}
		_, _ = out.WriteString("event: signal\ndata: ")
		_, _ = out.Write(data)
		_, _ = out.WriteString("\n\n") // the error shows at Flush
	}
	return nil
}

func (h Events) printEvent(out *bufio.Writer, e handoff.Event) error {
	data, err := wire.EventJSON(e, h.Links)
	if err != nil {
		return err
	}
	_, _ = out.WriteString("id: " + strconv.FormatUint(e.Sequence, 10) + "\ndata: ")
	_, _ = out.Write(data)
	_, _ = out.WriteString("\n\n") // the error shows at Flush
	return nil
}

// refuse answers like a Connect unary error, so that clients need one parser.
func (h Events) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := wire.Error(err)
	status := wire.HTTPStatus(e.Code())
	if e.Code() == connect.CodeInternal {
		h.Logger.ErrorContext(r.Context(), "sse.failed", slog.Any("error", err))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"code": e.Code().String(), "message": e.Message()}) // the caller is gone if this fails
}
