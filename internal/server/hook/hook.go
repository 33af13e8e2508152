// Package hook takes what providers send: their webhooks on /webhooks/…, and
// messages and closes on the reference system's reply routes.
//
// A webhook passes the same steps, whatever the provider: limit the body, find
// the connection by the URL's token, verify, parse, apply each inbound, answer.
// An adapter fills in how to verify and to parse and cannot skip a step. The
// answer is a success only once everything is on disk.
package hook

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// maxBody is the contract's limit on a webhook's body.
const maxBody = 4 << 20

// Receiver applies what a provider told.
type Receiver interface {
	Receive(ctx context.Context, connectionID string, in handoff.Inbound) error
}

// Connections verifies and parses webhooks.
type Connections interface {
	// Receive has a webhook verified and parsed. What cannot be parsed is in quarantine.
	Receive(ctx context.Context, kind, token string, r provider.Request) (agents.Received, error)
	// Keep puts a webhook that could not be applied into the quarantine.
	Keep(ctx context.Context, connectionID string, r provider.Request, why error)
	// Requarantined parses a webhook of the quarantine once more.
	Requarantined(ctx context.Context, id int64) (agents.Received, error)
	// Replayed notes how a webhook's replay ended.
	Replayed(ctx context.Context, id int64, failure error) error
	// Siblings returns other connections that a webhook may be meant for.
	Siblings(ctx context.Context, connectionID string, r provider.Request) ([]string, error)
}

// Webhooks serves /webhooks/{provider}/{token}.
type Webhooks struct {
	Connections Connections
	Receiver    Receiver
	Now         handoff.Clock
	Logger      *slog.Logger
}

// Mount mounts the route: POST for webhooks, GET and HEAD for handshakes.
func (h Webhooks) Mount(mux *http.ServeMux) {
	for _, method := range []string{http.MethodPost, http.MethodGet} { // a GET pattern takes HEAD too
		mux.HandleFunc(method+" /webhooks/{provider}/{token}", h.serve)
		mux.HandleFunc(method+" /webhooks/{provider}/{token}/{rest...}", h.serve)
	}
}

func (h Webhooks) serve(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(w, r)
	if err != nil {
		http.Error(w, err.Error(), statusOf(err))
		return
	}
	request := provider.Request{Method: r.Method, Path: rest(r), Query: r.URL.RawQuery, Header: r.Header, Body: body, Time: h.Now()}
	got, err := h.Connections.Receive(r.Context(), r.PathValue("provider"), r.PathValue("token"), request)
	if err == nil {
		if err = h.apply(r.Context(), got); err != nil {
			h.Connections.Keep(r.Context(), got.ConnectionID, request, err)
		}
	}
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	if got.Reply.ContentType != "" {
		w.Header().Set("Content-Type", got.Reply.ContentType)
	}
	if got.Reply.Status != 0 {
		w.WriteHeader(got.Reply.Status)
	}
	_, _ = w.Write(got.Reply.Body) // the provider is gone if this fails; it will send again
}

func rest(r *http.Request) string {
	if path := r.PathValue("rest"); path != "" {
		return "/" + path
	}
	return ""
}

// apply applies all inbounds. One that is late or meant for a session that is
// not ours does not hold up the others; its error is the answer all the same,
// unless the vendor must not be told.
func (h Webhooks) apply(ctx context.Context, got agents.Received) error {
	var refused error
	for _, in := range got.Inbound {
		err := h.Receiver.Receive(ctx, got.ConnectionID, in)
		if in.Ref != "" && handoff.CodeOf(err) == handoff.CodeNotFound {
			err = h.applyToSibling(ctx, got, in, err)
		}
		switch {
		case err == nil:
		case handoff.CodeOf(err) == handoff.CodePrecondition, handoff.CodeOf(err) == handoff.CodeNotFound:
			early := got.Reply.Ours && handoff.CodeOf(err) == handoff.CodeNotFound
			if !got.Reply.Always || early {
				refused = err
			}
		default:
			return err
		}
	}
	return refused
}

// Replay has a webhook of the quarantine parsed and applied. It returns how many
// things it told.
func (h Webhooks) Replay(ctx context.Context, id int64) (applied int, err error) {
	got, err := h.Connections.Requarantined(ctx, id)
	switch {
	case errors.Is(err, agents.ErrNotQuarantined), errors.Is(err, agents.ErrSealedByLostKey):
		return 0, err
	case err == nil:
		err = h.apply(ctx, got)
	}
	if err = stillRefused(err); err != nil && handoff.CodeOf(err) != handoff.CodePrecondition {
		return 0, err // it was not looked at
	}
	if noted := h.Connections.Replayed(ctx, id, err); noted != nil {
		return 0, noted
	}
	return len(got.Inbound), err
}

// stillRefused is the answer to a replay whose webhook could not be taken again.
// That is no fault of the call.
func stillRefused(err error) error {
	if err == nil {
		return nil
	}
	switch handoff.CodeOf(err) {
	case handoff.CodeInvalid, handoff.CodeNotFound, handoff.CodePrecondition:
		return &handoff.Error{Code: handoff.CodePrecondition, Reason: "STILL_REFUSED", Message: err.Error()}
	default:
		return err
	}
}

// applyToSibling applies an inbound to the session of another agent that uses the
// same account. Without one, it is still not found.
func (h Webhooks) applyToSibling(ctx context.Context, got agents.Received, in handoff.Inbound, notFound error) error {
	siblings, err := h.Connections.Siblings(ctx, got.ConnectionID, got.Request)
	if err != nil {
		return err
	}
	for _, id := range siblings {
		if err := h.Receiver.Receive(ctx, id, in); handoff.CodeOf(err) != handoff.CodeNotFound {
			return err
		}
	}
	return notFound
}

func (h Webhooks) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status := statusOf(err)
	h.Logger.WarnContext(r.Context(), "webhook.refused", slog.String("provider", r.PathValue("provider")), slog.Int("status", status), slog.Any("error", err))
	http.Error(w, publicText(err, status), status)
}

// errTooLarge is the answer to a body over the limit.
var errTooLarge = handoff.Errorf(handoff.CodeExhausted, "BODY_TOO_LARGE", "the body is over the limit of 4 MiB")

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, errTooLarge
	}
	if err != nil {
		return nil, handoff.Errorf(handoff.CodeInvalid, "BODY_CUT", "the body could not be read to its end")
	}
	return body, nil
}

// statusOf maps an error to the status of the answer.
func statusOf(err error) int {
	switch handoff.CodeOf(err) {
	case handoff.CodeInvalid:
		return http.StatusBadRequest
	case handoff.CodeUnauthenticated:
		return http.StatusUnauthorized
	case handoff.CodePermission:
		return http.StatusForbidden
	case handoff.CodeNotFound:
		return http.StatusNotFound
	case handoff.CodePrecondition:
		return http.StatusConflict
	case handoff.CodeExhausted:
		if errors.Is(err, errTooLarge) {
			return http.StatusRequestEntityTooLarge
		}
		return http.StatusServiceUnavailable // we are out of something, and the sender is to try again
	case handoff.CodeUnavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// publicText hides the text of errors that are ours.
func publicText(err error, status int) string {
	if status == http.StatusInternalServerError {
		return "internal error"
	}
	return err.Error()
}
