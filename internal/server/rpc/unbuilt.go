package rpc

import (
	"context"

	"connectrpc.com/connect"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
)

func notBuilt(what string) error {
	return handoff.Errorf(handoff.CodeUnimplemented, "NOT_BUILT", "%s are not built in this version; see the README", what)
}

// SendSignal is not built.
func (s *handoffServer) SendSignal(context.Context, *handoffv1.SendSignalRequest) (*handoffv1.SendSignalResponse, error) {
	return nil, notBuilt("signals")
}

// GetHandoffTool is not built.
func (s *handoffServer) GetHandoffTool(context.Context, *handoffv1.GetHandoffToolRequest) (*handoffv1.GetHandoffToolResponse, error) {
	return nil, notBuilt("tools for language models")
}

// EvaluateSchedule is not built.
func (s *handoffServer) EvaluateSchedule(context.Context, *handoffv1.EvaluateScheduleRequest) (*handoffv1.EvaluateScheduleResponse, error) {
	return nil, notBuilt("service periods")
}

// CreateUpload is not built.
func (s *handoffServer) CreateUpload(context.Context, *handoffv1.CreateUploadRequest) (*handoffv1.CreateUploadResponse, error) {
	return nil, notBuilt("uploads")
}

// ImportClosedDates is not built.
func (s *handoffServer) ImportClosedDates(context.Context, *handoffv1.ImportClosedDatesRequest) (*handoffv1.ImportClosedDatesResponse, error) {
	return nil, notBuilt("service periods")
}

// WatchStatus is not built.
func (s *adminServer) WatchStatus(context.Context, *handoffv1.WatchStatusRequest, *connect.ServerStream[handoffv1.WatchStatusResponse]) error {
	return notBuilt("status streams")
}
