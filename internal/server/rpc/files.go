package rpc

import (
	"context"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
)

// CreateUpload announces a file of the customer.
func (s *handoffServer) CreateUpload(ctx context.Context, r *handoffv1.CreateUploadRequest) (*handoffv1.CreateUploadResponse, error) {
	id, address, err := s.config.Files.Announce(ctx, r.GetSessionId(), r.GetName(), r.GetMimeType(), r.GetSize())
	if err != nil {
		return nil, err
	}
	return &handoffv1.CreateUploadResponse{UploadId: id, UploadUrl: address}, nil
}

// SendSignal passes on that the customer types or has read.
func (s *handoffServer) SendSignal(ctx context.Context, r *handoffv1.SendSignalRequest) (*handoffv1.SendSignalResponse, error) {
	_, read := r.GetSignal().(*handoffv1.SendSignalRequest_ReadUpTo)
	if err := s.config.Handoff.SendSignal(ctx, r.GetSessionId(), signalOf(r, handoff.AuthorCustomer, read)); err != nil {
		return nil, err
	}
	return &handoffv1.SendSignalResponse{}, nil
}

// passing is a request that tells of something passing.
type passing interface {
	GetTyping() bool
	GetReadUpTo() uint64
}

func signalOf(r passing, author handoff.Author, read bool) handoff.Signal {
	if read {
		return handoff.Signal{Author: author, Kind: handoff.SignalRead, UpTo: r.GetReadUpTo()}
	}
	return handoff.Signal{Author: author, Kind: handoff.SignalTyping, Active: r.GetTyping()}
}
