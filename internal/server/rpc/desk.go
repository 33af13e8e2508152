package rpc

import (
	"cmp"
	"context"

	"connectrpc.com/connect"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/server/wire"
)

// deskKind names the provider whose sessions this service shows.
const deskKind = "desk"

// deskServer is DeskService.
type deskServer struct{ config Config }

var openStates = []handoff.State{handoff.StateRequested, handoff.StateWaiting, handoff.StateActive}

// agentOf returns the agent that a call is about: the given one, else that of the key.
func agentOf(ctx context.Context, given string) (string, error) {
	p, _ := auth.PrincipalFrom(ctx)
	if agent := cmp.Or(given, p.AgentID); agent != "" {
		return agent, nil
	}
	return "", handoff.Errorf(handoff.CodeInvalid, "AGENT_NEEDED", "agent_id: an admin key belongs to no agent; name one")
}

// humanOf returns the name of the human who acts: the given one, else that of the key.
func humanOf(ctx context.Context, given string) (string, error) {
	p, _ := auth.PrincipalFrom(ctx)
	if name := cmp.Or(given, p.Name); name != "" {
		return name, nil
	}
	return "", handoff.Errorf(handoff.CodeInvalid, "HUMAN_NEEDED", "human: this key has no name; say who acts")
}

// session returns an open or closed session of the desk; those of other
// providers are answered elsewhere and look like none.
func (s *deskServer) session(ctx context.Context, id string) error {
	identity, err := s.config.Handoff.Identity(ctx, id)
	if err == nil && identity.Provider != deskKind {
		return handoff.ErrSessionNotFound
	}
	return err
}

func (s *deskServer) show(ctx context.Context, session *handoff.Session) (*handoffv1.DeskSession, error) {
	start, err := s.config.Handoff.Start(ctx, session.ID)
	if err != nil {
		return nil, err
	}
	return wire.ToDeskSession(session, start), nil
}

// ListQueue lists the open sessions, those who wait longest first.
func (s *deskServer) ListQueue(ctx context.Context, r *handoffv1.ListQueueRequest) (*handoffv1.ListQueueResponse, error) {
	agent, err := agentOf(ctx, r.GetAgentId())
	if err != nil {
		return nil, err
	}
	filter := handoff.SessionFilter{AgentID: agent, Provider: deskKind, States: openStates, OldestFirst: true}
	sessions, next, err := s.config.Handoff.Sessions(ctx, filter, page(r))
	if err != nil {
		return nil, err
	}
	response := &handoffv1.ListQueueResponse{NextPageToken: next}
	for i := range sessions {
		shown, err := s.show(ctx, &sessions[i])
		if err != nil {
			return nil, err
		}
		response.Sessions = append(response.Sessions, shown)
	}
	return response, nil
}

// ClaimSession gives a session to the human who acts.
func (s *deskServer) ClaimSession(ctx context.Context, r *handoffv1.ClaimSessionRequest) (*handoffv1.ClaimSessionResponse, error) {
	if err := s.session(ctx, r.GetSessionId()); err != nil {
		return nil, err
	}
	human, err := humanOf(ctx, r.GetHuman())
	if err != nil {
		return nil, err
	}
	session, err := s.config.Handoff.Claim(ctx, r.GetSessionId(), human)
	if err != nil {
		return nil, err
	}
	shown, err := s.show(ctx, session)
	return &handoffv1.ClaimSessionResponse{Session: shown}, err
}

// Reply writes to the customer.
func (s *deskServer) Reply(ctx context.Context, r *handoffv1.ReplyRequest) (*handoffv1.ReplyResponse, error) {
	if err := s.session(ctx, r.GetSessionId()); err != nil {
		return nil, err
	}
	human, err := humanOf(ctx, r.GetHuman())
	if err != nil {
		return nil, err
	}
	m, err := s.config.Handoff.Reply(ctx, r.GetSessionId(), handoff.HumanMessage{
		ClientMessageID: r.GetClientMessageId(), AuthorName: human, Text: r.GetText(),
	}, wire.FromAttachments(r.GetAttachments())...)
	if err != nil {
		return nil, err
	}
	return &handoffv1.ReplyResponse{Message: wire.ToMessage(m, s.config.Files.URL)}, nil
}

// CreateUpload announces a file of the human.
func (s *deskServer) CreateUpload(ctx context.Context, r *handoffv1.DeskServiceCreateUploadRequest) (*handoffv1.DeskServiceCreateUploadResponse, error) {
	if err := s.session(ctx, r.GetSessionId()); err != nil {
		return nil, err
	}
	id, address, err := s.config.Files.Announce(ctx, r.GetSessionId(), r.GetName(), r.GetMimeType(), r.GetSize())
	if err != nil {
		return nil, err
	}
	return &handoffv1.DeskServiceCreateUploadResponse{UploadId: id, UploadUrl: address}, nil
}

// SendSignal passes on that the human types or has read.
func (s *deskServer) SendSignal(ctx context.Context, r *handoffv1.DeskServiceSendSignalRequest) (*handoffv1.DeskServiceSendSignalResponse, error) {
	if err := s.session(ctx, r.GetSessionId()); err != nil {
		return nil, err
	}
	_, read := r.GetSignal().(*handoffv1.DeskServiceSendSignalRequest_ReadUpTo)
	if err := s.config.Handoff.SendSignal(ctx, r.GetSessionId(), signalOf(r, handoff.AuthorHuman, read)); err != nil {
		return nil, err
	}
	return &handoffv1.DeskServiceSendSignalResponse{}, nil
}

// CloseSession ends a session as the human.
func (s *deskServer) CloseSession(ctx context.Context, r *handoffv1.DeskServiceCloseSessionRequest) (*handoffv1.DeskServiceCloseSessionResponse, error) {
	if err := s.session(ctx, r.GetSessionId()); err != nil {
		return nil, err
	}
	outcome := handoff.Outcome{Disposition: r.GetDisposition(), Note: r.GetNote()}
	session, err := s.config.Handoff.CloseSession(ctx, r.GetSessionId(), handoff.ClosedByHuman, outcome)
	if err != nil {
		return nil, err
	}
	return &handoffv1.DeskServiceCloseSessionResponse{Session: wire.ToSession(session)}, nil
}

// TransferSession gives a session to a colleague, or back to the queue.
func (s *deskServer) TransferSession(ctx context.Context, r *handoffv1.TransferSessionRequest) (*handoffv1.TransferSessionResponse, error) {
	if err := s.session(ctx, r.GetSessionId()); err != nil {
		return nil, err
	}
	session, err := s.config.Handoff.Transfer(ctx, r.GetSessionId(), r.GetAssignee(), r.GetNote())
	if err != nil {
		return nil, err
	}
	shown, err := s.show(ctx, session)
	return &handoffv1.TransferSessionResponse{Session: shown}, err
}

// StreamSession prints a session's log from a sequence on.
func (s *deskServer) StreamSession(ctx context.Context, r *handoffv1.StreamSessionRequest, out *connect.ServerStream[handoffv1.StreamSessionResponse]) error {
	if err := s.session(ctx, r.GetSessionId()); err != nil {
		return err
	}
	return s.config.streamLog(ctx, r, handoff.AuthorCustomer, func(events []*handoffv1.Event, signals []*handoffv1.Signal) error {
		return out.Send(&handoffv1.StreamSessionResponse{Events: events, Signals: signals})
	})
}

// StreamDesk shows all open sessions of an agent, and then those that changed.
func (s *deskServer) StreamDesk(ctx context.Context, r *handoffv1.StreamDeskRequest, out *connect.ServerStream[handoffv1.StreamDeskResponse]) error {
	agent, err := agentOf(ctx, r.GetAgentId())
	if err != nil {
		return err
	}
	return s.config.stream(ctx, func(stream context.Context) error {
		filter := handoff.SessionFilter{AgentID: agent, Provider: deskKind}
		for part, err := range s.config.Handoff.Watch(stream, filter, "") {
			if err != nil {
				return err
			}
			response := &handoffv1.StreamDeskResponse{}
			for i := range part.Sessions {
				shown, err := s.show(stream, &part.Sessions[i])
				if err != nil {
					return err
				}
				response.Sessions = append(response.Sessions, shown)
			}
			if err := out.Send(response); err != nil {
				return err
			}
		}
		return nil
	})
}
