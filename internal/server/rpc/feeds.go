package rpc

import (
	"context"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/server/wire"
)

// SetEventWebhook sets where an agent's backend gets its events.
func (s *handoffServer) SetEventWebhook(ctx context.Context, r *handoffv1.SetEventWebhookRequest) (*handoffv1.SetEventWebhookResponse, error) {
	v, secret, err := s.config.Feeds.Set(ctx, wire.FromEventWebhook(r))
	if err != nil {
		return nil, err
	}
	return &handoffv1.SetEventWebhookResponse{EventWebhook: wire.ToEventWebhook(v), SigningSecret: secret}, nil
}

// GetEventWebhook returns an agent's event webhook and how it fares.
func (s *handoffServer) GetEventWebhook(ctx context.Context, r *handoffv1.GetEventWebhookRequest) (*handoffv1.GetEventWebhookResponse, error) {
	v, err := s.config.Feeds.Get(ctx, r.GetAgentId())
	if err != nil {
		return nil, err
	}
	return &handoffv1.GetEventWebhookResponse{EventWebhook: wire.ToEventWebhook(v)}, nil
}

// DeleteEventWebhook removes an agent's event webhook.
func (s *handoffServer) DeleteEventWebhook(ctx context.Context, r *handoffv1.DeleteEventWebhookRequest) (*handoffv1.DeleteEventWebhookResponse, error) {
	if err := s.config.Feeds.Delete(ctx, r.GetAgentId()); err != nil {
		return nil, err
	}
	return &handoffv1.DeleteEventWebhookResponse{}, nil
}

// TestEventWebhook sends a test call.
func (s *handoffServer) TestEventWebhook(ctx context.Context, r *handoffv1.TestEventWebhookRequest) (*handoffv1.TestEventWebhookResponse, error) {
	tested, err := s.config.Feeds.Test(ctx, r.GetAgentId())
	if err != nil {
		return nil, err
	}
	return wire.ToEventWebhookTest(tested), nil
}

// ListEventDeliveries lists how far event webhooks got.
func (s *adminServer) ListEventDeliveries(ctx context.Context, r *handoffv1.ListEventDeliveriesRequest) (*handoffv1.ListEventDeliveriesResponse, error) {
	deliveries, next, err := s.config.Feeds.Deliveries(ctx, wire.FromEventDeliveryFilter(r), page(r))
	if err != nil {
		return nil, err
	}
	response := &handoffv1.ListEventDeliveriesResponse{NextPageToken: next}
	for _, d := range deliveries {
		response.Deliveries = append(response.Deliveries, wire.ToEventDelivery(d))
	}
	return response, nil
}
