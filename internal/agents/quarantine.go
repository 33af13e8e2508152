package agents

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// QuarantineFor is how long a webhook that could not be taken is kept after it came last.
const QuarantineFor = 30 * 24 * time.Hour

// maxRequestPage is how many webhooks a page holds at most when it has their
// content, which may be 4 MiB each.
const maxRequestPage = 10

// Errors of Replay.
var (
	// ErrNotQuarantined says that no webhook is kept under an id.
	ErrNotQuarantined = &handoff.Error{
		Code: handoff.CodeNotFound, Reason: "NOT_IN_QUARANTINE",
		Message: "no webhook with this id is in the quarantine: it was replayed, or its time was over; ListQuarantine tells what there is",
	}
	// ErrSealedByLostKey says that a webhook is kept and cannot be opened.
	ErrSealedByLostKey = &handoff.Error{
		Code: handoff.CodePrecondition, Reason: "SEALED_BY_ANOTHER_KEY",
		Message: "this webhook was sealed with an encryption key that is not given any more; add that key to --encryption-key",
	}
)

// Quarantined is a webhook that is genuine and could not be understood or applied.
type Quarantined struct {
	ID           int64 // given by the store
	ConnectionID string
	AgentID      string
	Provider     string
	Reason       string
	Request      []byte // sealed; nil in a list without requests
	Digest       []byte // the same for each repeat
	Count        int    // how often it came; given by the store
	Time         time.Time

	Opened *provider.Request // the request as it came; nil in a list without requests, and when its key is gone
}

// ExpireTime is when it is forgotten.
func (q *Quarantined) ExpireTime() time.Time { return q.Time.Add(QuarantineFor) }

// QuarantineFilter chooses webhooks.
type QuarantineFilter struct {
	ID       int64 // 0 = any
	AgentID  string
	Provider string // the kind
	Requests bool   // whether to give their content, too
}

// keptRequest is a webhook as it is sealed in quarantine.
type keptRequest struct {
	Method string      `json:"method"`
	Path   string      `json:"path,omitempty"`
	Query  string      `json:"query,omitempty"`
	Header http.Header `json:"header,omitempty"`
	Body   []byte      `json:"body,omitempty"`
	Time   time.Time   `json:"time"`

	Names map[string]string `json:"names,omitempty"`
}

// credentialHeaders prove who sent a webhook. It is proved by now.
var credentialHeaders = []string{"Authorization", "Proxy-Authorization", "Cookie"}

// Keep puts a webhook that a connection understood, and that could not be applied,
// into the quarantine.
func (svc *Service) Keep(ctx context.Context, connectionID string, r provider.Request, why error) {
	c, err := svc.store.Connection(ctx, connectionID)
	if err == nil {
		var o *opened
		if o, err = svc.open(c); err == nil {
			svc.quarantine(ctx, o, c, r, why)
			return
		}
	}
	svc.log.ErrorContext(ctx, "agents.quarantine", slog.String("connection_id", connectionID), slog.Any("error", err))
}

// quarantine keeps a webhook that is genuine and could not be taken, without
// its secrets. A caller that used the wrong path, or sends too much, is told so and
// has nothing kept.
func (svc *Service) quarantine(ctx context.Context, o *opened, c *handoff.Connection, r provider.Request, why error) {
	switch handoff.CodeOf(why) {
	case handoff.CodeInvalid, handoff.CodeInternal:
	default:
		return
	}
	r = o.conn.Strip(r)
	header := r.Header.Clone()
	for _, name := range credentialHeaders {
		header.Del(name)
	}
	plain, err := json.Marshal(keptRequest{Method: r.Method, Path: r.Path, Query: r.Query, Header: header, Body: r.Body, Time: r.Time})
	if err == nil {
		digest := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%s", r.Method, r.Path, r.Query, r.Body))
		err = svc.store.Quarantine(ctx, Quarantined{
			ConnectionID: c.ID, AgentID: c.AgentID, Provider: c.Kind, Reason: why.Error(), Digest: digest[:], Time: svc.now(),
			Request: svc.sealer.Seal(plain, quarantineContext(c.ID)),
		})
	}
	if err != nil {
		svc.log.ErrorContext(ctx, "agents.quarantine", slog.String("connection_id", c.ID), slog.Any("error", err))
	}
}

// Quarantined lists webhooks that could not be taken, the newest first.
func (svc *Service) Quarantined(ctx context.Context, f QuarantineFilter, p handoff.Page) ([]Quarantined, string, error) {
	if f.Requests {
		p.Size = min(cmp.Or(p.Size, maxRequestPage), maxRequestPage)
	}
	list, next, err := svc.store.Quarantined(ctx, f, svc.now(), p)
	if err != nil {
		return nil, "", err
	}
	for i := range list {
		if q := &list[i]; f.Requests {
			if r, err := svc.unseal(q); err == nil {
				q.Opened = &r
			}
		}
	}
	return list, next, nil
}

// Requarantined has the connection of a kept webhook, as it is configured now,
// parse it. That it is genuine was proved before it was kept.
func (svc *Service) Requarantined(ctx context.Context, id int64) (Received, error) {
	list, _, err := svc.store.Quarantined(ctx, QuarantineFilter{ID: id, Requests: true}, svc.now(), handoff.Page{Size: 1})
	if err != nil {
		return Received{}, err
	}
	if len(list) == 0 {
		return Received{}, ErrNotQuarantined
	}
	r, err := svc.unseal(&list[0])
	if err != nil {
		return Received{}, ErrSealedByLostKey
	}
	c, err := svc.store.Connection(ctx, list[0].ConnectionID)
	if err != nil {
		return Received{}, err
	}
	o, err := svc.open(c)
	if err != nil {
		return Received{}, handoff.Errorf(handoff.CodePrecondition, "CONNECTION_CLOSED", "the provider cannot read it any more: %v", err)
	}
	reply, inbound, err := o.conn.Parse(r)
	return Received{c.ID, r, reply, inbound}, err
}

// Replayed notes how a replay of a kept webhook ended: it is forgotten, or stays with a new reason.
func (svc *Service) Replayed(ctx context.Context, id int64, failure error) error {
	if failure != nil {
		return svc.store.SetQuarantineReason(ctx, id, failure.Error())
	}
	return svc.store.Unquarantine(ctx, id)
}

func (svc *Service) unseal(q *Quarantined) (provider.Request, error) {
	plain, err := svc.sealer.Open(q.Request, quarantineContext(q.ConnectionID))
	if err != nil {
		return provider.Request{}, err
	}
	var kept keptRequest
	if err := json.Unmarshal(plain, &kept); err != nil {
		return provider.Request{}, fmt.Errorf("quarantined webhook %d: %w", q.ID, err)
	}
	return provider.Request(kept), nil
}

func quarantineContext(connectionID string) []byte { return []byte("quarantine:" + connectionID) }
