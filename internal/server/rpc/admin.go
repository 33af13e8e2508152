package rpc

import (
	"context"

	"connectrpc.com/connect"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
	"github.com/human-handoff/handoff/internal/server/wire"
)

// adminServer is AdminService.
type adminServer struct {
	handoffv1connect.UnimplementedAdminServiceHandler

	config Config
}

// ListDeliveries lists what went, or has to go, to providers.
func (s *adminServer) ListDeliveries(ctx context.Context, r *handoffv1.ListDeliveriesRequest) (*handoffv1.ListDeliveriesResponse, error) {
	deliveries, next, err := s.config.Handoff.Deliveries(ctx, wire.FromDeliveryFilter(r), page(r))
	if err != nil {
		return nil, err
	}
	response := &handoffv1.ListDeliveriesResponse{NextPageToken: next}
	for _, d := range deliveries {
		response.Deliveries = append(response.Deliveries, wire.ToDelivery(d))
	}
	return response, nil
}

// RetryDelivery has a failed delivery sent again.
func (s *adminServer) RetryDelivery(ctx context.Context, r *handoffv1.RetryDeliveryRequest) (*handoffv1.RetryDeliveryResponse, error) {
	d, err := s.config.Handoff.RetryDelivery(ctx, r.GetDeliveryId())
	if err != nil {
		return nil, err
	}
	return &handoffv1.RetryDeliveryResponse{Delivery: wire.ToDelivery(d)}, nil
}

// ListQuarantine lists webhooks that could not be taken.
func (s *adminServer) ListQuarantine(ctx context.Context, r *handoffv1.ListQuarantineRequest) (*handoffv1.ListQuarantineResponse, error) {
	list, next, err := s.config.Agents.Quarantined(ctx, wire.FromQuarantineFilter(r), page(r))
	if err != nil {
		return nil, err
	}
	response := &handoffv1.ListQuarantineResponse{NextPageToken: next}
	for _, q := range list {
		response.Webhooks = append(response.Webhooks, wire.ToQuarantined(q))
	}
	return response, nil
}

// ReplayInbound has such a webhook taken once more.
func (s *adminServer) ReplayInbound(ctx context.Context, r *handoffv1.ReplayInboundRequest) (*handoffv1.ReplayInboundResponse, error) {
	id, err := wire.FromQuarantineID(r.GetId())
	if err != nil {
		return nil, err
	}
	applied, err := s.config.Replay(ctx, id)
	if err != nil {
		return nil, err
	}
	return &handoffv1.ReplayInboundResponse{Applied: int32(applied)}, nil //nolint:gosec // a webhook of 4 MiB tells less
}

// ListLate lists what humans said after the close.
func (s *adminServer) ListLate(ctx context.Context, r *handoffv1.ListLateRequest) (*handoffv1.ListLateResponse, error) {
	late, next, err := s.config.Handoff.LateMessages(ctx, r.GetSessionId(), page(r))
	if err != nil {
		return nil, err
	}
	response := &handoffv1.ListLateResponse{NextPageToken: next}
	for _, m := range late {
		response.LateMessages = append(response.LateMessages, wire.ToLate(m))
	}
	return response, nil
}

// WatchStatus streams the agents with their status.
func (s *adminServer) WatchStatus(ctx context.Context, r *handoffv1.WatchStatusRequest, out *connect.ServerStream[handoffv1.WatchStatusResponse]) error {
	return s.config.stream(ctx, func(stream context.Context) error {
		for views, err := range s.config.Agents.Watch(stream, r.GetAgentId()) {
			if err != nil {
				return err
			}
			if err := out.Send(&handoffv1.WatchStatusResponse{Agents: wire.ToAgents(views)}); err != nil {
				return err
			}
		}
		return nil
	})
}
