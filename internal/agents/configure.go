package agents

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// Change is what an operator wants of an agent.
type Change struct {
	AgentID      string
	Kind         string        // of the provider; empty = leave it as it is
	Config       proto.Message // of that kind; a secret that is left out keeps its stored value
	ClearSecrets []string      // names of secrets to remove
	Settings     func(old handoff.Settings) (handoff.Settings, error)
	ETag         string // when given, the agent must still be at it
	ValidateOnly bool   // check all of it, store nothing
}

// ErrETagMismatch is returned when somebody else changed the agent meanwhile.
var ErrETagMismatch = &handoff.Error{Code: handoff.CodeAborted, Reason: "ETAG_MISMATCH", Message: "the agent was changed in the meantime; read it with GetProvider and apply your change to that"}

// Configure checks a change, asks the provider whether it works and saves it. A
// provider that refuses or does not answer is saved too, with the status saying
// so. Errors of code CodeInvalid save nothing.
func (svc *Service) Configure(ctx context.Context, c Change) (*View, error) {
	agent, err := svc.load(ctx, c)
	if err != nil {
		return nil, err
	}
	loaded, renewed := agent.Version, versionOf(agent.Connection)
	if agent.Settings, err = checkSettings(c.Settings(agent.Settings)); err != nil {
		return nil, err
	}
	if c.Kind != "" {
		if agent.Connection, err = svc.prepare(ctx, agent.Connection, c); err != nil {
			return nil, err
		}
	}
	if c.ValidateOnly {
		return svc.view(agent)
	}
	if err := svc.save(ctx, agent, loaded, renewed, c.Kind != ""); err != nil {
		return nil, err
	}
	if agent.Connection != nil && c.Kind != "" {
		svc.reopen(agent.Connection.ID)
		svc.listens.forget(agent.Connection.ID)
		if err := svc.installSaved(ctx, agent.Connection); err != nil {
			return nil, err
		}
		svc.checked(agent.Connection.ID, agent.Connection.Status)
		svc.statusChanged(agent.Connection)
	} else {
		svc.watchers.changed(c.AgentID)
	}
	return svc.Get(ctx, c.AgentID)
}

// installSaved is install for a connection that has just been saved: only now is
// its receive URL final.
func (svc *Service) installSaved(ctx context.Context, c *handoff.Connection) error {
	kept, err := svc.openVault(c)
	if err != nil {
		return err
	}
	status := svc.install(ctx, c, kept.config, c.Status)
	if status.State == c.Status.State {
		return nil
	}
	c.Status = status
	_, err = svc.store.SetStatus(ctx, c.ID, func(s *handoff.ConnectionStatus) { *s = status })
	return err
}

// load returns the agent that a change is for, a new one if there is none.
func (svc *Service) load(ctx context.Context, c Change) (*handoff.Agent, error) {
	agent, err := svc.store.Agent(ctx, c.AgentID)
	if errors.Is(err, handoff.ErrAgentNotFound) {
		agent, err = &handoff.Agent{ID: c.AgentID, CreateTime: svc.now()}, nil
	}
	if err == nil && c.ETag != "" && c.ETag != etag(agent.Version) {
		err = ErrETagMismatch
	}
	return agent, err
}

// prepare makes the connection of a change, checked but not stored. Its id and
// its receive URL are final only in save, which knows the agent's older ones.
func (svc *Service) prepare(ctx context.Context, current *handoff.Connection, c Change) (*handoff.Connection, error) {
	k, ok := svc.kind(c.Kind)
	if !ok {
		return nil, handoff.Errorf(handoff.CodeUnimplemented, "PROVIDER_NOT_BUILT", "provider %s is not built in this version; ListProviderKinds tells which are", c.Kind)
	}
	account, err := k.Account(c.Config)
	if err != nil {
		return nil, handoff.Errorf(handoff.CodeInvalid, "BAD_PROVIDER_CONFIG", "%s: %s", c.Kind, err)
	}
	v, err := svc.merge(current, c, account)
	if err != nil {
		return nil, err
	}
	next := &handoff.Connection{
		ID: svc.newID("con"), AgentID: c.AgentID, Kind: c.Kind, Account: account,
		CreateTime: svc.now(),
	}
	if current != nil && current.Kind == c.Kind {
		next.ReceiveToken = current.ReceiveToken
		if current.Account == account {
			next.ID, next.CreateTime = current.ID, current.CreateTime
		}
	}
	next.SecretsSet = secretsSet(v.config)
	if len(k.Missing(v.config)) == 0 {
		if _, err := k.Open(v.config, svc.deps(next)); err != nil {
			return nil, handoff.Errorf(handoff.CodeInvalid, "BAD_PROVIDER_CONFIG", "%s: %s", c.Kind, err)
		}
	}
	next.Status = svc.check(ctx, next, v.config)
	next.Config, err = svc.seal(v, next.ID)
	return next, err
}

// merge fills in the secrets that were left out, where they may be reused.
func (svc *Service) merge(current *handoff.Connection, c Change, account string) (vault, error) {
	stored := vault{config: proto.Clone(c.Config)} // without secrets to give
	proto.Reset(stored.config)
	if current != nil && current.Kind == c.Kind {
		var err error
		if stored, err = svc.openVault(current); err != nil {
			return vault{}, err
		}
	}
	reusable, err := provider.RemoveSecrets(stored.config, c.ClearSecrets...)
	if err != nil {
		return vault{}, handoff.Errorf(handoff.CodeInvalid, "NO_SUCH_SECRET", "clear_secrets: %s", err)
	}
	v := vault{config: provider.MergeSecrets(c.Config, reusable), previous: stored.previous, replacedTime: stored.replacedTime}
	given := provider.Secrets(c.Config)
	for _, name := range secretsSet(v.config) {
		if given[name] == "" && host(account) != host(current.Account) {
			return vault{}, handoff.Errorf(handoff.CodeInvalid, "SECRET_NEEDED_AGAIN", "%s.%s: give it again, or name it in clear_secrets; a stored secret is not sent to another host than it was given for", c.Kind, name)
		}
	}
	if current != nil && current.Account == account && !maps.Equal(provider.Secrets(v.config), provider.Secrets(stored.config)) {
		v.previous, v.replacedTime = stored.config, svc.now()
	}
	return v, nil
}

// secretsSet returns the names of the secrets that a configuration has.
func secretsSet(config proto.Message) []string {
	return slices.Sorted(maps.Keys(provider.Secrets(config)))
}

func host(account string) string {
	u, err := url.Parse(account)
	if err != nil {
		return account
	}
	return u.Host
}

// check asks the provider whether a configuration works.
func (svc *Service) check(ctx context.Context, c *handoff.Connection, config proto.Message) handoff.ConnectionStatus {
	status := handoff.ConnectionStatus{State: handoff.ServiceAvailable, CheckTime: svc.now()}
	k, _ := svc.kind(c.Kind)
	if missing := k.Missing(config); len(missing) > 0 {
		status.State, status.ReasonCode, status.MissingFields = handoff.ServiceNotConfigured, handoff.ReasonIncomplete, missing
		status.Reason = fmt.Sprintf("%s still needs %s", c.Kind, strings.Join(missing, ", "))
		return status
	}
	conn, err := svc.connect(c, config)
	if err == nil {
		err = conn.Check(ctx)
	}
	if err != nil {
		status = failed(status, err)
	}
	return status
}

// failed is the status of a connection whose check has failed.
func failed(status handoff.ConnectionStatus, err error) handoff.ConnectionStatus {
	status.State, status.ReasonCode, status.Reason = handoff.ServiceUnavailable, handoff.ReasonUnreachable, err.Error()
	if healthOf(err) == refused {
		status.ReasonCode = provider.ClassOf(err).ReasonCode()
	}
	return status
}

// save stores the agent, unless it changed since it was loaded. An older
// connection of the agent to the same account is taken up again, so that its
// sessions profit; the receive URL of (agent, kind) never changes.
func (svc *Service) save(ctx context.Context, agent *handoff.Agent, loaded, renewed int64, withProvider bool) error {
	return svc.store.UpdateAgent(ctx, agent.ID, func(rec *Record) error {
		// Secrets that renewed themselves meanwhile must not be undone.
		if rec.Agent.Version != loaded || withProvider && versionOf(rec.Agent.Connection) != renewed {
			return ErrETagMismatch
		}
		if loaded == 0 {
			rec.Agent.CreateTime = agent.CreateTime
		}
		rec.Agent.Settings = agent.Settings
		if !withProvider {
			return nil
		}
		rec.Agent.Connection = agent.Connection
		return svc.identify(agent.Connection, rec.Known)
	})
}

func versionOf(c *handoff.Connection) int64 {
	if c == nil {
		return 0
	}
	return c.Version
}

// identify gives a new connection what the agent's older ones of its kind
// settle: the receive URL, and the identity of the one with the same account.
func (svc *Service) identify(next *handoff.Connection, known []handoff.Connection) error {
	for i := range known {
		old := &known[i]
		if old.Kind != next.Kind || old.ID == next.ID {
			continue
		}
		next.ReceiveToken = old.ReceiveToken
		if old.Account != next.Account {
			continue
		}
		if err := svc.adopt(next, old); err != nil {
			return err
		}
	}
	if next.ReceiveToken == "" {
		next.ReceiveToken = newReceiveToken()
	}
	return nil
}

// adopt gives a new connection the identity of an older one.
func (svc *Service) adopt(next, old *handoff.Connection) error {
	v, err := svc.openVault(next)
	if err != nil {
		return err
	}
	next.ID, next.CreateTime = old.ID, old.CreateTime
	next.Config, err = svc.seal(v, next.ID)
	return err
}
