package agents

import (
	"context"
	"crypto/rand"
	"encoding/base64"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// ErrUnknownToken is the answer to a receive URL that is nobody's.
var ErrUnknownToken = &handoff.Error{Code: handoff.CodeNotFound, Reason: "UNKNOWN_RECEIVE_URL", Message: "there is no such receive URL; copy it from GetProvider"}

// Received is what a verified webhook told.
type Received struct {
	ConnectionID string
	Reply        provider.Reply // for once the inbound is on disk
	Inbound      []handoff.Inbound
}

// Receive has the connection behind a receive URL verify and parse a webhook.
// Several connections may stand behind one URL: those of an agent's earlier
// accounts of the same kind, and a connection with its replaced secrets.
func (svc *Service) Receive(ctx context.Context, kind, token string, r provider.Request) (Received, error) {
	list, err := svc.store.ConnectionsByToken(ctx, kind, token)
	if err != nil {
		return Received{}, err
	}
	result := error(ErrUnknownToken)
	for i := range list {
		o, err := svc.open(&list[i])
		if err != nil {
			result = err
			continue
		}
		reply, inbound, err := svc.receive(o, r)
		if err == nil {
			return Received{list[i].ID, reply, inbound}, nil
		}
		if handoff.CodeOf(err) != handoff.CodeUnauthenticated {
			svc.quarantine(ctx, o, &list[i], r, err)
			return Received{}, err
		}
		result = err
	}
	return Received{}, result
}

func (svc *Service) receive(o *opened, r provider.Request) (provider.Reply, []handoff.Inbound, error) {
	reply, inbound, err := o.conn.Receive(r)
	if handoff.CodeOf(err) == handoff.CodeUnauthenticated && o.previous != nil && r.Time.Before(o.previousUntil) {
		return o.previous.Receive(r)
	}
	return reply, inbound, err
}

// newReceiveToken returns 256 random bits for a receive URL.
func newReceiveToken() string {
	token := make([]byte, 32)
	_, _ = rand.Read(token) // never fails, says its documentation
	return base64.RawURLEncoding.EncodeToString(token)
}
