package rpc

import (
	"context"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/server/wire"
)

// EvaluateSchedule tells whether an agent's schedule is open at a time, and why.
func (s *handoffServer) EvaluateSchedule(ctx context.Context, r *handoffv1.EvaluateScheduleRequest) (*handoffv1.EvaluateScheduleResponse, error) {
	opening, err := s.config.Agents.Opening(ctx, r.GetAgentId(), wire.FromTime(r.GetTime()))
	if err != nil {
		return nil, err
	}
	return wire.ToOpening(opening), nil
}

// ImportClosedDates adds the holidays of a calendar to an agent's closed dates.
func (s *handoffServer) ImportClosedDates(ctx context.Context, r *handoffv1.ImportClosedDatesRequest) (*handoffv1.ImportClosedDatesResponse, error) {
	v, added, err := s.config.Agents.ImportClosedDates(ctx, wire.FromImport(r))
	if err != nil {
		return nil, err
	}
	return wire.ToImport(v, added), nil
}

// GetHandoffTool returns the tool by which a model hands off.
func (s *handoffServer) GetHandoffTool(ctx context.Context, r *handoffv1.GetHandoffToolRequest) (*handoffv1.GetHandoffToolResponse, error) {
	tool, err := s.config.Handoff.Tool(ctx, r.GetAgentId(), wire.FromCustomer(r.GetCustomer()))
	if err != nil {
		return nil, err
	}
	return wire.ToTool(tool)
}
