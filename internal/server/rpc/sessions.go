package rpc

import (
	"context"
	"encoding/base64"
	"strconv"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/server/wire"
)

// handoffServer is HandoffService.
type handoffServer struct {
	handoffv1connect.UnimplementedHandoffServiceHandler

	config Config
}

// RequestHandoff opens a session or says why not.
func (s *handoffServer) RequestHandoff(ctx context.Context, r *handoffv1.RequestHandoffRequest) (*handoffv1.RequestHandoffResponse, error) {
	request, err := wire.FromRequestHandoff(r)
	if err != nil {
		return nil, err
	}
	session, declined, err := s.config.Handoff.RequestHandoff(ctx, request)
	if err != nil {
		return nil, err
	}
	if declined != nil {
		return &handoffv1.RequestHandoffResponse{Result: &handoffv1.RequestHandoffResponse_Declined{Declined: wire.ToDeclined(declined)}}, nil
	}
	return &handoffv1.RequestHandoffResponse{
		Result:       &handoffv1.RequestHandoffResponse_Session{Session: wire.ToSession(session)},
		SessionToken: s.config.Auth.NewSessionToken(session.ID),
	}, nil
}

// SendMessage takes a customer's message for the human.
func (s *handoffServer) SendMessage(ctx context.Context, r *handoffv1.SendMessageRequest) (*handoffv1.SendMessageResponse, error) {
	m, err := s.config.Handoff.SendMessage(ctx, r.GetSessionId(), handoff.Message{ClientMessageID: r.GetClientMessageId(), Text: r.GetText()},
		wire.FromAttachments(r.GetAttachments())...)
	if err != nil {
		return nil, err
	}
	return &handoffv1.SendMessageResponse{Message: wire.ToMessage(m, s.config.Files.URL)}, nil
}

// CloseSession ends a session, as the customer unless an operator's key is used.
func (s *handoffServer) CloseSession(ctx context.Context, r *handoffv1.CloseSessionRequest) (*handoffv1.CloseSessionResponse, error) {
	reason := handoff.ClosedByCustomer
	if p, _ := auth.PrincipalFrom(ctx); p.Scope == auth.ScopeAdmin {
		reason = handoff.ClosedByOperator
	}
	session, err := s.config.Handoff.CloseSession(ctx, r.GetSessionId(), reason, handoff.Outcome{Note: r.GetNote()})
	if err != nil {
		return nil, err
	}
	return &handoffv1.CloseSessionResponse{Session: wire.ToSession(session)}, nil
}

// ContinueWaiting answers a wait prompt: the customer goes on waiting.
func (s *handoffServer) ContinueWaiting(ctx context.Context, r *handoffv1.ContinueWaitingRequest) (*handoffv1.ContinueWaitingResponse, error) {
	session, err := s.config.Handoff.ContinueWaiting(ctx, r.GetSessionId())
	if err != nil {
		return nil, err
	}
	return &handoffv1.ContinueWaitingResponse{Session: wire.ToSession(session)}, nil
}

// GetSession returns one session.
func (s *handoffServer) GetSession(ctx context.Context, r *handoffv1.GetSessionRequest) (*handoffv1.GetSessionResponse, error) {
	session, err := s.config.Handoff.Session(ctx, r.GetSessionId())
	if err != nil {
		return nil, err
	}
	return &handoffv1.GetSessionResponse{Session: wire.ToSession(session)}, nil
}

// ListSessions lists sessions; those of its own agent for an agent's key.
func (s *handoffServer) ListSessions(ctx context.Context, r *handoffv1.ListSessionsRequest) (*handoffv1.ListSessionsResponse, error) {
	filter := wire.FromSessionFilter(r)
	if p, _ := auth.PrincipalFrom(ctx); p.Scope != auth.ScopeAdmin {
		filter.AgentID = p.AgentID
	}
	sessions, next, err := s.config.Handoff.Sessions(ctx, filter, page(r))
	if err != nil {
		return nil, err
	}
	response := &handoffv1.ListSessionsResponse{NextPageToken: next}
	for i := range sessions {
		response.Sessions = append(response.Sessions, wire.ToSession(&sessions[i]))
	}
	return response, nil
}

// pager is a request for a page of a list.
type pager interface {
	GetPageSize() int32
	GetPageToken() string
}

func page(r pager) handoff.Page {
	size := int(r.GetPageSize())
	if size == 0 {
		size = handoff.DefaultPageSize
	}
	return handoff.Page{Size: size, Token: r.GetPageToken()}
}

// ListEvents returns a page of a session's log. Its page token is the sequence
// where the page before ended.
func (s *handoffServer) ListEvents(ctx context.Context, r *handoffv1.ListEventsRequest) (*handoffv1.ListEventsResponse, error) {
	after, err := eventCursor(r)
	if err != nil {
		return nil, err
	}
	log, err := s.config.Handoff.Log(ctx, r.GetSessionId(), after, page(r).Size)
	if err != nil {
		return nil, err
	}
	response := &handoffv1.ListEventsResponse{Events: wire.ToEvents(log.Events, s.config.Files.URL)}
	if n := len(log.Events); n > 0 && log.Events[n-1].Sequence < log.Last {
		response.NextPageToken = base64.RawURLEncoding.EncodeToString(strconv.AppendUint(nil, log.Events[n-1].Sequence, 10))
	}
	return response, nil
}

func eventCursor(r *handoffv1.ListEventsRequest) (uint64, error) {
	if r.GetPageToken() == "" {
		return r.GetAfterSequence(), nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(r.GetPageToken())
	if err != nil {
		return 0, handoff.ErrBadPageToken
	}
	after, err := strconv.ParseUint(string(raw), 10, 63)
	if err != nil {
		return 0, handoff.ErrBadPageToken
	}
	return after, nil
}

// GetConversation tells who may speak to the customer.
func (s *handoffServer) GetConversation(ctx context.Context, r *handoffv1.GetConversationRequest) (*handoffv1.GetConversationResponse, error) {
	c, err := s.config.Handoff.Conversation(ctx, handoff.ConversationKey{AgentID: r.GetAgentId(), ConversationID: r.GetConversationId()})
	if err != nil {
		return nil, err
	}
	return wire.ToConversation(c), nil
}

// CheckTurn is OK when the bot may speak.
func (s *handoffServer) CheckTurn(ctx context.Context, r *handoffv1.CheckTurnRequest) (*handoffv1.CheckTurnResponse, error) {
	key := handoff.ConversationKey{AgentID: r.GetAgentId(), ConversationID: r.GetConversationId()}
	if err := s.config.Handoff.CheckTurn(ctx, key, r.GetEpoch()); err != nil {
		return nil, err
	}
	return &handoffv1.CheckTurnResponse{}, nil
}

// GetHandback returns what the bot needs to go on after a session.
func (s *handoffServer) GetHandback(ctx context.Context, r *handoffv1.GetHandbackRequest) (*handoffv1.GetHandbackResponse, error) {
	most := int(r.GetMaxTurns())
	if most == 0 {
		most = handoff.DefaultHandbackTurns
	}
	h, err := s.config.Handoff.Handback(ctx, r.GetSessionId(), most)
	if err != nil {
		return nil, err
	}
	return wire.ToHandback(h), nil
}
