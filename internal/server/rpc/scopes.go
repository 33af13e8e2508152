package rpc

import (
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
	"github.com/human-handoff/handoff/internal/auth"
)

var (
	forAdmin   = []auth.Scope{auth.ScopeAdmin}
	forAgent   = []auth.Scope{auth.ScopeAdmin, auth.ScopeAgent}
	forSession = []auth.Scope{auth.ScopeAdmin, auth.ScopeAgent, auth.ScopeSession}
	forDesk    = []auth.Scope{auth.ScopeAdmin, auth.ScopeDesk}
	forAll     = []auth.Scope{}
)

// scopesOf is the contract's scope table. An RPC that is missing here is
// refused; forAll alone needs no credential.
var scopesOf = map[string][]auth.Scope{
	handoffv1connect.HandoffServiceConfigureProviderProcedure:  forAdmin,
	handoffv1connect.HandoffServiceTestProviderProcedure:       forAdmin,
	handoffv1connect.HandoffServiceImportClosedDatesProcedure:  forAdmin,
	handoffv1connect.HandoffServiceDeleteProviderProcedure:     forAdmin,
	handoffv1connect.HandoffServiceListProviderKindsProcedure:  forAdmin,
	handoffv1connect.HandoffServiceListAgentsProcedure:         forAdmin,
	handoffv1connect.HandoffServiceGetProviderProcedure:        forAgent,
	handoffv1connect.HandoffServiceGetServiceStatusProcedure:   forAgent,
	handoffv1connect.HandoffServiceGetHandoffToolProcedure:     forAgent,
	handoffv1connect.HandoffServiceEvaluateScheduleProcedure:   forAgent,
	handoffv1connect.HandoffServiceRequestHandoffProcedure:     forAgent,
	handoffv1connect.HandoffServiceListSessionsProcedure:       forAgent,
	handoffv1connect.HandoffServiceGetConversationProcedure:    forAgent,
	handoffv1connect.HandoffServiceCheckTurnProcedure:          forAgent,
	handoffv1connect.HandoffServiceWatchSessionsProcedure:      forAgent,
	handoffv1connect.HandoffServiceGetHandbackProcedure:        forAgent,
	handoffv1connect.HandoffServiceSetEventWebhookProcedure:    forAdmin,
	handoffv1connect.HandoffServiceGetEventWebhookProcedure:    forAdmin,
	handoffv1connect.HandoffServiceDeleteEventWebhookProcedure: forAdmin,
	handoffv1connect.HandoffServiceTestEventWebhookProcedure:   forAdmin,
	handoffv1connect.AdminServiceListEventDeliveriesProcedure:  forAdmin,
	handoffv1connect.HandoffServiceSendMessageProcedure:        forSession,
	handoffv1connect.HandoffServiceSendSignalProcedure:         forSession,
	handoffv1connect.HandoffServiceStreamRepliesProcedure:      forSession,
	handoffv1connect.HandoffServiceCloseSessionProcedure:       forSession,
	handoffv1connect.HandoffServiceContinueWaitingProcedure:    forSession,
	handoffv1connect.HandoffServiceGetSessionProcedure:         forSession,
	handoffv1connect.HandoffServiceListEventsProcedure:         forSession,
	handoffv1connect.HandoffServiceCreateUploadProcedure:       forSession,
	handoffv1connect.KeyServiceCreateKeyProcedure:              forAdmin,
	handoffv1connect.KeyServiceListKeysProcedure:               forAdmin,
	handoffv1connect.KeyServiceRevokeKeyProcedure:              forAdmin,
	handoffv1connect.AdminServiceListDeliveriesProcedure:       forAdmin,
	handoffv1connect.AdminServiceRetryDeliveryProcedure:        forAdmin,
	handoffv1connect.AdminServiceListQuarantineProcedure:       forAdmin,
	handoffv1connect.AdminServiceReplayInboundProcedure:        forAdmin,
	handoffv1connect.AdminServiceListLateProcedure:             forAdmin,
	handoffv1connect.AdminServiceWatchStatusProcedure:          forAdmin,
	handoffv1connect.ChatServiceStartChatProcedure:             forAll,
	handoffv1connect.DeskServiceListQueueProcedure:             forDesk,
	handoffv1connect.DeskServiceClaimSessionProcedure:          forDesk,
	handoffv1connect.DeskServiceReplyProcedure:                 forDesk,
	handoffv1connect.DeskServiceCreateUploadProcedure:          forDesk,
	handoffv1connect.DeskServiceSendSignalProcedure:            forDesk,
	handoffv1connect.DeskServiceCloseSessionProcedure:          forDesk,
	handoffv1connect.DeskServiceTransferSessionProcedure:       forDesk,
	handoffv1connect.DeskServiceStreamSessionProcedure:         forDesk,
	handoffv1connect.DeskServiceStreamDeskProcedure:            forDesk,
}
