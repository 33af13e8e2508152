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
	Request      provider.Request
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
			// Vendors want our URL before they give out what a connection needs.
			if reply, ok := svc.greet(&list[i], r); ok {
				return Received{ConnectionID: list[i].ID, Reply: reply}, nil
			}
			result = err
			continue
		}
		reply, inbound, err := svc.receive(o, r)
		if err == nil {
			svc.learn(ctx, o, r)
			return Received{list[i].ID, r, reply, inbound}, nil
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

// greet answers a vendor's handshake for a connection that cannot be opened yet.
func (svc *Service) greet(c *handoff.Connection, r provider.Request) (provider.Reply, bool) {
	k, _ := svc.kind(c.Kind)
	greeter, ok := k.(provider.Greeter)
	if !ok {
		return provider.Reply{}, false
	}
	kept, err := svc.openVault(c)
	if err != nil {
		return provider.Reply{}, false
	}
	return greeter.Greet(kept.config, r)
}

// Siblings returns the other connections to the account of a connection that a
// webhook proves itself to as well: the vendor knows one URL of an account, and
// several agents may use the account. That two use the same address proves
// nothing; that the webhook is signed with the secrets of both does.
func (svc *Service) Siblings(ctx context.Context, connectionID string, r provider.Request) ([]string, error) {
	own, err := svc.store.Connection(ctx, connectionID)
	if err != nil {
		return nil, err
	}
	list, err := svc.store.ConnectionsByAccount(ctx, own.Kind, own.Account)
	if err != nil {
		return nil, err
	}
	var ids []string
	for i := range list {
		if list[i].ID == connectionID {
			continue
		}
		o, err := svc.open(&list[i])
		if err != nil {
			continue // of an agent whose configuration is not complete, or gone
		}
		if _, _, err := svc.receive(o, r); err == nil {
			ids = append(ids, list[i].ID)
		}
	}
	return ids, nil
}

// newReceiveToken returns 256 random bits for a receive URL.
func newReceiveToken() string {
	token := make([]byte, 32)
	_, _ = rand.Read(token) // never fails, says its documentation
	return base64.RawURLEncoding.EncodeToString(token)
}
