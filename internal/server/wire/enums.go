package wire

import (
	"time"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/handoff"
)

// pairs is a two-way table of a domain's and an API's values. What is missing
// becomes the zero value, which the API calls UNSPECIFIED.
type pairs[D, P comparable] struct {
	to   map[D]P
	from map[P]D
}

func pair[D, P comparable](to map[D]P) pairs[D, P] {
	from := make(map[P]D, len(to))
	for d, p := range to {
		from[p] = d
	}
	return pairs[D, P]{to, from}
}

var (
	states = pair(map[handoff.State]handoffv1.SessionState{
		handoff.StateRequested: handoffv1.SessionState_SESSION_STATE_REQUESTED,
		handoff.StateWaiting:   handoffv1.SessionState_SESSION_STATE_WAITING,
		handoff.StateActive:    handoffv1.SessionState_SESSION_STATE_ACTIVE,
		handoff.StateClosed:    handoffv1.SessionState_SESSION_STATE_CLOSED,
	})
	attachmentStatuses = pair(map[handoff.FileState]handoffv1.Attachment_Status{
		"":                  handoffv1.Attachment_STATUS_READY,
		handoff.FilePending: handoffv1.Attachment_STATUS_PENDING,
		handoff.FileFailed:  handoffv1.Attachment_STATUS_FAILED,
	})
	closeReasons = pair(map[handoff.CloseReason]handoffv1.CloseReason{
		handoff.ClosedByCustomer:       handoffv1.CloseReason_CLOSE_REASON_CUSTOMER,
		handoff.ClosedByOperator:       handoffv1.CloseReason_CLOSE_REASON_OPERATOR,
		handoff.ClosedByHuman:          handoffv1.CloseReason_CLOSE_REASON_HUMAN,
		handoff.ClosedByWaitTimeout:    handoffv1.CloseReason_CLOSE_REASON_WAIT_TIMEOUT,
		handoff.ClosedBySessionTimeout: handoffv1.CloseReason_CLOSE_REASON_SESSION_TIMEOUT,
		handoff.ClosedByProvider:       handoffv1.CloseReason_CLOSE_REASON_PROVIDER_FAILED,
		handoff.ClosedByExpiry:         handoffv1.CloseReason_CLOSE_REASON_EXPIRED,
	})
	declineReasons = pair(map[handoff.DeclineReason]handoffv1.DeclineReason{
		handoff.DeclineNotConfigured: handoffv1.DeclineReason_DECLINE_REASON_NOT_CONFIGURED,
		handoff.DeclineDisabled:      handoffv1.DeclineReason_DECLINE_REASON_DISABLED,
		handoff.DeclineOutOfPeriod:   handoffv1.DeclineReason_DECLINE_REASON_OUT_OF_SERVICE_PERIOD,
		handoff.DeclineUnavailable:   handoffv1.DeclineReason_DECLINE_REASON_PROVIDER_UNAVAILABLE,
		handoff.DeclineEmailRequired: handoffv1.DeclineReason_DECLINE_REASON_EMAIL_REQUIRED,
	})
	priorities = pair(map[handoff.Priority]handoffv1.Priority{
		handoff.PriorityLow:    handoffv1.Priority_PRIORITY_LOW,
		handoff.PriorityNormal: handoffv1.Priority_PRIORITY_NORMAL,
		handoff.PriorityHigh:   handoffv1.Priority_PRIORITY_HIGH,
		handoff.PriorityUrgent: handoffv1.Priority_PRIORITY_URGENT,
	})
	roles = pair(map[handoff.Role]handoffv1.Turn_Role{
		handoff.RoleUser:      handoffv1.Turn_ROLE_USER,
		handoff.RoleAssistant: handoffv1.Turn_ROLE_ASSISTANT,
	})
	authors = pair(map[handoff.Author]handoffv1.Author{
		handoff.AuthorCustomer: handoffv1.Author_AUTHOR_CUSTOMER,
		handoff.AuthorHuman:    handoffv1.Author_AUTHOR_HUMAN,
		handoff.AuthorSystem:   handoffv1.Author_AUTHOR_SYSTEM,
	})
	messageStatuses = pair(map[handoff.MessageStatus]handoffv1.MessageStatus{
		handoff.MessageAccepted:  handoffv1.MessageStatus_MESSAGE_STATUS_ACCEPTED,
		handoff.MessageDelivered: handoffv1.MessageStatus_MESSAGE_STATUS_DELIVERED,
		handoff.MessageRead:      handoffv1.MessageStatus_MESSAGE_STATUS_READ,
		handoff.MessageFailed:    handoffv1.MessageStatus_MESSAGE_STATUS_FAILED,
	})
	owners = pair(map[handoff.Owner]handoffv1.Owner{
		handoff.OwnerBot:     handoffv1.Owner_OWNER_BOT,
		handoff.OwnerWaiting: handoffv1.Owner_OWNER_WAITING,
		handoff.OwnerHuman:   handoffv1.Owner_OWNER_HUMAN,
	})
	waitActions = pair(map[handoff.WaitTimeoutAction]handoffv1.WaitTimeoutAction{
		handoff.WaitTimeoutPrompt: handoffv1.WaitTimeoutAction_WAIT_TIMEOUT_ACTION_PROMPT,
		handoff.WaitTimeoutClose:  handoffv1.WaitTimeoutAction_WAIT_TIMEOUT_ACTION_CLOSE,
	})
	emailPolicies = pair(map[handoff.EmailPolicy]handoffv1.EmailPolicy{
		handoff.EmailRequired: handoffv1.EmailPolicy_EMAIL_POLICY_REQUIRED,
		handoff.EmailOptional: handoffv1.EmailPolicy_EMAIL_POLICY_OPTIONAL,
		handoff.EmailProvider: handoffv1.EmailPolicy_EMAIL_POLICY_PROVIDER,
	})
	days = pair(map[time.Weekday]handoffv1.ServicePeriod_Day{
		time.Monday:    handoffv1.ServicePeriod_DAY_MONDAY,
		time.Tuesday:   handoffv1.ServicePeriod_DAY_TUESDAY,
		time.Wednesday: handoffv1.ServicePeriod_DAY_WEDNESDAY,
		time.Thursday:  handoffv1.ServicePeriod_DAY_THURSDAY,
		time.Friday:    handoffv1.ServicePeriod_DAY_FRIDAY,
		time.Saturday:  handoffv1.ServicePeriod_DAY_SATURDAY,
		time.Sunday:    handoffv1.ServicePeriod_DAY_SUNDAY,
	})
	serviceStates = pair(map[handoff.ServiceState]handoffv1.ServiceState{
		handoff.ServiceNotConfigured: handoffv1.ServiceState_SERVICE_STATE_NOT_CONFIGURED,
		handoff.ServiceAvailable:     handoffv1.ServiceState_SERVICE_STATE_AVAILABLE,
		handoff.ServiceUnavailable:   handoffv1.ServiceState_SERVICE_STATE_UNAVAILABLE,
	})
	scopes = pair(map[auth.Scope]handoffv1.Key_Scope{
		auth.ScopeAdmin: handoffv1.Key_SCOPE_ADMIN,
		auth.ScopeAgent: handoffv1.Key_SCOPE_AGENT,
		auth.ScopeDesk:  handoffv1.Key_SCOPE_DESK,
	})
)
