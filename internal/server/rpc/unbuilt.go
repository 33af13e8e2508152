package rpc

import (
	"context"

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

// CreateUpload is not built.
func (s *handoffServer) CreateUpload(context.Context, *handoffv1.CreateUploadRequest) (*handoffv1.CreateUploadResponse, error) {
	return nil, notBuilt("uploads")
}
