package rpc

import (
	"context"
	"slices"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/server/wire"
)

// keyServer is KeyService.
type keyServer struct{ auth *auth.Authenticator }

// CreateKey makes a key; its secret is in this answer and nowhere else.
func (s *keyServer) CreateKey(ctx context.Context, r *handoffv1.CreateKeyRequest) (*handoffv1.CreateKeyResponse, error) {
	secret, k, err := s.auth.CreateKey(ctx, wire.FromScope(r.GetScope()), r.GetAgentId(), r.GetName())
	if err != nil {
		return nil, err
	}
	return &handoffv1.CreateKeyResponse{Key: secret, Info: wire.ToKey(k)}, nil
}

// ListKeys lists keys, the newest first. Keys are few: they are read whole, and
// a page begins behind the id that its token names.
func (s *keyServer) ListKeys(ctx context.Context, r *handoffv1.ListKeysRequest) (*handoffv1.ListKeysResponse, error) {
	keys, err := s.auth.Keys(ctx)
	if err != nil {
		return nil, err
	}
	p := page(r)
	if p.Token != "" {
		at := slices.IndexFunc(keys, func(k auth.Key) bool { return k.ID == p.Token })
		if at < 0 {
			return nil, handoff.ErrBadPageToken
		}
		keys = keys[at+1:]
	}
	response := &handoffv1.ListKeysResponse{}
	for _, k := range keys[:min(p.Size, len(keys))] {
		response.Keys = append(response.Keys, wire.ToKey(k))
	}
	if p.Size < len(keys) {
		response.NextPageToken = keys[p.Size-1].ID
	}
	return response, nil
}

// RevokeKey ends a key and its streams.
func (s *keyServer) RevokeKey(ctx context.Context, r *handoffv1.RevokeKeyRequest) (*handoffv1.RevokeKeyResponse, error) {
	k, err := s.auth.RevokeKey(ctx, r.GetId())
	if err != nil {
		return nil, err
	}
	return &handoffv1.RevokeKeyResponse{Key: wire.ToKey(k)}, nil
}
