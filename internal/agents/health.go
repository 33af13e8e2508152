package agents

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// health is what the last calls told of a connection.
type health string

const (
	healthy  health = "healthy"
	degraded health = "degraded" // outages and rate limits; the status stays as it is
	refused  health = "refused"  // until somebody acts: credentials, mostly
)

// Report notes the outcome of a call over a connection. Refused credentials, and
// whatever else lasts until somebody acts, make the status UNAVAILABLE at once; outages and rate limits only mark it as
// degraded; a success, and a refusal of the message alone, show that it works.
func (svc *Service) Report(ctx context.Context, connectionID string, callErr error) {
	now := healthOf(callErr)
	if svc.healthIs(connectionID, now) {
		return
	}
	svc.reporting.Lock() // what is stored must be what was noted last
	defer svc.reporting.Unlock()
	if svc.healthIs(connectionID, now) {
		return
	}
	svc.mu.Lock()
	svc.health[connectionID] = now
	svc.mu.Unlock()
	var healed, recovered bool
	changed, err := svc.store.SetStatus(ctx, connectionID, func(s *handoff.ConnectionStatus) {
		healed = now == healthy && s.State == handoff.ServiceUnavailable
		recovered = now == healthy && !s.DegradedSince.IsZero()
		applyHealth(s, now, callErr, svc.now())
	})
	if err != nil {
		svc.log.ErrorContext(ctx, "agents.report", slog.String("connection_id", connectionID), slog.Any("error", err))
		svc.forgetHealth(connectionID)
		if now == refused {
			svc.release(connectionID) // nobody will check it; let the next call find out again
		}
		return
	}
	svc.statusChanged(changed)
	if healed {
		svc.release(connectionID)
	}
	if recovered {
		svc.onRecovered()
	}
}

func healthOf(err error) health {
	if err == nil {
		return healthy
	}
	switch provider.ClassOf(err) {
	case provider.ClassCredentials, provider.ClassConsent, provider.ClassIncomplete:
		return refused
	case provider.ClassRejected:
		return healthy
	default:
		return degraded
	}
}

func applyHealth(s *handoff.ConnectionStatus, h health, callErr error, now time.Time) {
	switch h {
	case healthy:
		*s = handoff.ConnectionStatus{State: handoff.ServiceAvailable, CheckTime: now}
	case refused:
		if s.State == handoff.ServiceNotConfigured {
			return // which tells more
		}
		s.State, s.ReasonCode = handoff.ServiceUnavailable, provider.ClassOf(callErr).ReasonCode()
		s.Reason, s.CheckTime = callErr.Error(), now
	case degraded:
		if s.DegradedSince.IsZero() {
			s.DegradedSince = now
		}
	}
}

func (svc *Service) healthIs(connectionID string, h health) bool {
	svc.mu.Lock()
	defer svc.mu.Unlock()
	return svc.health[connectionID] == h
}

func (svc *Service) forgetHealth(connectionID string) {
	svc.mu.Lock()
	defer svc.mu.Unlock()
	delete(svc.health, connectionID)
}

// Test asks the agent's provider whether the configuration works and stores what it says.
func (svc *Service) Test(ctx context.Context, agentID string) (*View, error) {
	agent, err := svc.store.Agent(ctx, agentID)
	if err != nil {
		return nil, err
	}
	if c := agent.Connection; c != nil && c.Status.State != handoff.ServiceNotConfigured {
		if _, err := svc.checkAgain(ctx, c); err != nil {
			return nil, err
		}
	}
	return svc.Get(ctx, agentID)
}

// checkAgain checks a stored connection and stores what came of it.
func (svc *Service) checkAgain(ctx context.Context, c *handoff.Connection) (handoff.ConnectionStatus, error) {
	kept, err := svc.openVault(c)
	if err != nil {
		return handoff.ConnectionStatus{}, err
	}
	status := svc.install(ctx, c, kept.config, svc.check(ctx, c, kept.config))
	if refusal := svc.listens.refusal(c.ID); refusal != nil && status.State == handoff.ServiceAvailable {
		status = failed(status, refusal) // what cannot be heard is of no use
	}
	changed, err := svc.store.SetStatus(ctx, c.ID, func(s *handoff.ConnectionStatus) { *s = status })
	if err != nil {
		return status, err
	}
	svc.checked(c.ID, status)
	svc.statusChanged(changed)
	return status, nil
}

// install makes at the provider what is missing there for a stored connection whose
// check went well, and returns the status after that.
func (svc *Service) install(ctx context.Context, c *handoff.Connection, config proto.Message, s handoff.ConnectionStatus) handoff.ConnectionStatus {
	if s.State != handoff.ServiceAvailable {
		return s
	}
	conn, err := svc.connect(c, config)
	if err == nil {
		err = conn.Install(ctx)
	}
	if err != nil {
		s.State, s.ReasonCode, s.Reason = handoff.ServiceUnavailable, provider.ClassOf(err).ReasonCode(), err.Error()
	}
	return s
}

// checked follows a check whose outcome has been stored.
func (svc *Service) checked(connectionID string, status handoff.ConnectionStatus) {
	svc.forgetHealth(connectionID)
	if status.State == handoff.ServiceAvailable {
		svc.release(connectionID)
	}
}

// statusChanged tells whom it concerns that the stored status of a connection is
// another one; nil stands for no change.
func (svc *Service) statusChanged(c *handoff.Connection) {
	if c == nil {
		return
	}
	svc.onStatus(c)
	svc.watchers.changed(c.AgentID)
	if c.Status.State == handoff.ServiceUnavailable {
		svc.rechecks.nudge()
	}
}
