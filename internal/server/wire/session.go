package wire

import (
	"encoding/json"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
)

// ToTime returns a timestamp; nil for the zero time.
func ToTime(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// FromTime returns a time; the zero time for nil.
func FromTime(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

func toDuration(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

// ToSession returns the message of a session.
func ToSession(s *handoff.Session) *handoffv1.Session {
	return &handoffv1.Session{
		Id:             s.ID,
		AgentId:        s.AgentID,
		ConversationId: s.ConversationID,
		RequestId:      s.RequestID,
		Provider:       s.Provider,
		State:          states.to[s.State],
		CloseReason:    closeReasons.to[s.CloseReason],
		Outcome:        toOutcome(s.Outcome),
		Customer:       toCustomer(s.Customer),
		Question:       s.Question,
		Reason:         s.Reason,
		Priority:       priorities.to[s.Priority],
		Team:           s.Team,
		Tags:           s.Tags,
		Metadata:       s.Metadata,
		CreateTime:     ToTime(s.CreateTime),
		ActivateTime:   ToTime(s.ActivateTime),
		CloseTime:      ToTime(s.CloseTime),
		LastSequence:   s.LastSequence,
		Epoch:          s.Epoch,
	}
}

func toOutcome(o handoff.Outcome) *handoffv1.Outcome {
	if o == (handoff.Outcome{}) {
		return nil
	}
	return &handoffv1.Outcome{Disposition: o.Disposition, Note: o.Note}
}

func toCustomer(c handoff.Customer) *handoffv1.Customer {
	return &handoffv1.Customer{
		Email: c.Email, Name: c.Name, Phone: c.Phone, UserId: c.UserID,
		AnonymousId: c.AnonymousID, Locale: c.Locale, Attributes: c.Attributes,
	}
}

// FromCustomer reads who talks to the agent.
func FromCustomer(c *handoffv1.Customer) handoff.Customer {
	return handoff.Customer{
		Email: c.GetEmail(), Name: c.GetName(), Phone: c.GetPhone(), UserID: c.GetUserId(),
		AnonymousID: c.GetAnonymousId(), Locale: c.GetLocale(), Attributes: c.GetAttributes(),
	}
}

// ToDeclined returns the message of a decline.
func ToDeclined(d *handoff.Declined) *handoffv1.Declined {
	return &handoffv1.Declined{
		Reason: declineReasons.to[d.Reason], Reply: d.Reply, NextOpenTime: ToTime(d.NextOpenTime),
	}
}

// FromRequestHandoff reads a request for a handoff.
func FromRequestHandoff(r *handoffv1.RequestHandoffRequest) (handoff.Request, error) {
	extra, err := fromStruct(r.GetProviderExtra())
	if err != nil {
		return handoff.Request{}, err
	}
	turns := make([]handoff.Turn, 0, len(r.GetTranscript()))
	for _, t := range r.GetTranscript() {
		turns = append(turns, handoff.Turn{Role: roles.from[t.GetRole()], Text: t.GetText(), Time: FromTime(t.GetTime())})
	}
	return handoff.Request{
		Conversation: handoff.ConversationKey{AgentID: r.GetAgentId(), ConversationID: r.GetConversationId()},
		RequestID:    r.GetRequestId(),
		Start: handoff.Start{
			Customer: FromCustomer(r.GetCustomer()), Transcript: turns, Question: r.GetQuestion(), Reason: r.GetReason(),
			Priority: priorities.from[r.GetPriority()], Team: r.GetTeam(), Tags: r.GetTags(), Metadata: r.GetMetadata(),
			ProviderExtra: extra,
		},
	}, nil
}

func fromStruct(s *structpb.Struct) (json.RawMessage, error) {
	if s == nil {
		return nil, nil
	}
	return protojson.Marshal(s)
}

// FromSessionFilter reads which sessions to list.
func FromSessionFilter(r *handoffv1.ListSessionsRequest) handoff.SessionFilter {
	f := handoff.SessionFilter{AgentID: r.GetAgentId(), ConversationID: r.GetConversationId()}
	for _, s := range r.GetStates() {
		f.States = append(f.States, states.from[s])
	}
	return f
}

// FromWatchFilter reads which sessions to watch.
func FromWatchFilter(r *handoffv1.WatchSessionsRequest) handoff.SessionFilter {
	f := handoff.SessionFilter{AgentID: r.GetAgentId()}
	for _, s := range r.GetStates() {
		f.States = append(f.States, states.from[s])
	}
	return f
}

// ToConversation returns who may speak in a conversation.
func ToConversation(c handoff.Conversation) *handoffv1.GetConversationResponse {
	r := &handoffv1.GetConversationResponse{Owner: owners.to[c.Owner], Epoch: c.Epoch}
	if c.Open != nil {
		r.Session = ToSession(c.Open)
	}
	return r
}

// ToHandback returns what the bot needs to go on.
func ToHandback(h handoff.Handback) *handoffv1.GetHandbackResponse {
	r := &handoffv1.GetHandbackResponse{
		Session: ToSession(&h.Session), OmittedTurns: int32(h.Omitted), Note: h.Note, Reply: h.Reply, //nolint:gosec // events of one log
	}
	for _, t := range h.Turns {
		r.Turns = append(r.Turns, &handoffv1.HandbackTurn{
			Role: roles.to[t.Role], AuthorName: t.AuthorName, Text: t.Text, Time: ToTime(t.Time),
		})
	}
	return r
}
