package rpc

import (
	"context"
	"crypto/sha512"
	"encoding/hex"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/time/rate"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/server/wire"
)

const (
	chatBurst    = 10               // chats that an address may start at once
	chatInterval = 10 * time.Second // and then one in each of these
	maxAddresses = 10_000           // that are remembered; beyond that all start afresh
)

// Errors of StartChat.
var (
	errNoPublicChat = handoff.Errorf(handoff.CodePermission, "NO_PUBLIC_CHAT", "this agent has no public chat; its operator can turn on settings.public_chat, or a backend can request the handoff")
	errForeignPage  = handoff.Errorf(handoff.CodePermission, "ORIGIN_NOT_ALLOWED", "this page may not start chats; its origin has to stand in settings.allowed_origins")
	errTooManyChats = handoff.Errorf(handoff.CodeExhausted, "TOO_MANY_CHATS", "too many chats were started from this address; wait a little and try again")
)

// chatServer is ChatService, for browsers without a backend.
type chatServer struct {
	config Config

	mu    sync.Mutex
	limit map[string]*rate.Limiter // by address
}

func newChatServer(c Config) *chatServer {
	return &chatServer{config: c, limit: map[string]*rate.Limiter{}}
}

// StartChat opens a conversation of its own and requests a handoff in it. What
// the customer says of itself is unverified: it is passed on and matched to nothing.
// A known request id gets the session that it started, with a new token.
func (s *chatServer) StartChat(ctx context.Context, r *handoffv1.StartChatRequest) (*handoffv1.StartChatResponse, error) {
	info, _ := connect.CallInfoForHandlerContext(ctx)
	if err := s.admit(ctx, info, r.GetAgentId()); err != nil {
		return nil, err
	}
	id := s.config.NewID("chat")
	session, declined, err := s.config.Handoff.RequestHandoff(ctx, handoff.Request{
		Conversation: handoff.ConversationKey{AgentID: r.GetAgentId(), ConversationID: id},
		RequestID:    chatRequestID(r.GetRequestId()),
		Start: handoff.Start{
			Customer: handoff.Customer{
				Email: r.GetEmail(), Name: r.GetName(), Locale: r.GetLocale(), AnonymousID: id, Unverified: true,
				Attributes: claims(r.GetUserId()),
			},
			Question: r.GetQuestion(),
		},
	})
	if err != nil {
		return nil, err
	}
	if declined != nil {
		return &handoffv1.StartChatResponse{Result: &handoffv1.StartChatResponse_Declined{Declined: wire.ToDeclined(declined)}}, nil
	}
	return &handoffv1.StartChatResponse{
		Result:       &handoffv1.StartChatResponse_Session{Session: wire.ToSession(session)},
		SessionToken: s.config.Auth.NewSessionToken(session.ID),
	}, nil
}

// claims are what a page says of who its customer is. It is no user id of ours:
// what is known of a user by that would be told to whoever names it.
func claims(userID string) map[string]string {
	if userID == "" {
		return nil
	}
	return map[string]string{"claimed_user_id": userID}
}

// chatRequestID is what is kept of a page's request id. Backends and humans see
// it, and whoever knows the id itself gets the customer's token, so it is a hash.
// With 133 bytes it is longer than what RequestHandoff takes: no id of a browser's
// ever equals one of a backend's, whose sessions stay out of its reach.
func chatRequestID(id string) string {
	if id == "" {
		return ""
	}
	sum := sha512.Sum512([]byte(id))
	return "chat:" + hex.EncodeToString(sum[:])
}

// admit lets a page in whose agent has a public chat and allows its origin, as
// long as its address does not start too many.
func (s *chatServer) admit(ctx context.Context, info connect.CallInfo, agentID string) error {
	allowed := s.letOrigin(ctx, info, agentID)
	if !s.allow(info.Peer().Addr) {
		return errTooManyChats
	}
	view, err := s.config.Agents.Get(ctx, agentID)
	switch {
	case handoff.CodeOf(err) == handoff.CodeNotFound || err == nil && !view.Agent.Settings.PublicChat:
		return errNoPublicChat
	case err != nil:
		return err
	case !allowed:
		return errForeignPage
	}
	return nil
}

// letOrigin reports whether a page of this origin may start chats, and lets it read
// the answer, a refusal too. The middleware that lets origins through goes by the
// caller's agent, and here nobody is known before the request has been read.
func (s *chatServer) letOrigin(ctx context.Context, info connect.CallInfo, agentID string) bool {
	if own, ok := ctx.Value(ownPageKey{}).(bool); ok && own {
		return true
	}
	origin := info.RequestHeader().Get("Origin")
	if !s.config.Agents.OriginAllowed(ctx, agentID, origin) {
		return false
	}
	info.ResponseHeader().Set("Access-Control-Allow-Origin", origin)
	info.ResponseHeader().Add("Vary", "Origin")
	return true
}

type ownPageKey struct{}

// markOwnPages notes which requests come from this server's own pages, or from
// no page at all, as long as the Host that was asked is known.
func markOwnPages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin, err := url.Parse(r.Header.Get("Origin"))
		own := err == nil && (origin.Host == r.Host || *origin == url.URL{})
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), ownPageKey{}, own)))
	})
}

func (s *chatServer) allow(address string) bool {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.limit[address]
	if l == nil {
		if len(s.limit) >= maxAddresses {
			clear(s.limit)
		}
		l = rate.NewLimiter(rate.Every(chatInterval), chatBurst)
		s.limit[address] = l
	}
	return l.AllowN(s.config.Now(), 1)
}
