package agents

import (
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

// keptRequest is a webhook as it is sealed in quarantine.
type keptRequest struct {
	Method string      `json:"method"`
	Path   string      `json:"path,omitempty"`
	Query  string      `json:"query,omitempty"`
	Header http.Header `json:"header,omitempty"`
	Body   []byte      `json:"body,omitempty"`
	Time   time.Time   `json:"time"`
}

// credentialHeaders prove who sent a webhook. It is proved by now.
var credentialHeaders = []string{"Authorization", "Proxy-Authorization", "Cookie"}

// quarantine keeps a webhook that is genuine and could not be understood, without
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
	plain, err := json.Marshal(keptRequest{r.Method, r.Path, r.Query, header, r.Body, r.Time})
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

func quarantineContext(connectionID string) []byte { return []byte("quarantine:" + connectionID) }
