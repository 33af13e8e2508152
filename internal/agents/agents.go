// Package agents holds what an agent is configured with: its settings, its
// provider and whether that provider can be reached.
//
//	agents.go     the service and what it shows of an agent
//	configure.go  ConfigureProvider: merge secrets, check, ask the provider, save
//	connect.go    opened connections, kept until their configuration changes
//	health.go     what calls tell about a connection's status
//	recheck.go    the checks that make an unavailable connection available again
//	watch.go      who wants to know of changes
//	consent.go    a person's consent in a browser, and secrets that renew themselves
//	schedule.go   when humans are there, and holidays from calendars
//	listen.go     connections of ours over which events come
//	receive.go    webhooks: from a receive URL's token to the connection
//	quarantine.go webhooks that nobody understood
//	vault.go      a provider's settings, sealed
//	store.go      the port to where agents are kept
package agents

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/seal"
)

// Service configures agents and opens their connections.
type Service struct {
	store       Store
	kinds       []provider.Kind
	sealer      *seal.Sealer
	http        *http.Client
	files       provider.Files
	baseURL     string
	sent        func(ctx context.Context, connectionID, vendorID string) (bool, error)
	newID       func(prefix string) string
	now         handoff.Clock
	log         *slog.Logger
	release     func(connectionID string)
	onStatus    func(c *handoff.Connection)
	onRecovered func()
	feedState   func(agentID string) handoff.FeedState
	watchers    watchers
	rechecks    *rechecks
	listens     listens

	reporting sync.Mutex // held while a call's outcome changes a status

	mu     sync.Mutex
	opened map[string]*opened          // by connection
	tokens map[string]*provider.Tokens // by connection
	meters map[string]*provider.Meter  // by connection
	health map[string]health           // by connection; what the last calls told
}

// Config is what a Service is made of.
type Config struct {
	Store   Store
	Kinds   []provider.Kind
	Sealer  *seal.Sealer
	HTTP    *http.Client // for calls to providers
	Files   provider.Files
	BaseURL string                                                                 // of receive URLs, without a slash at its end
	Sent    func(ctx context.Context, connectionID, vendorID string) (bool, error) // see provider.Deps
	NewID   func(prefix string) string
	Now     handoff.Clock
	Logger  *slog.Logger
}

// New returns a Service.
func New(c Config) *Service {
	return &Service{
		store: c.Store, kinds: c.Kinds, sealer: c.Sealer, http: c.HTTP, files: c.Files, baseURL: c.BaseURL, sent: c.Sent,
		newID: c.NewID, now: c.Now, log: c.Logger,
		release: func(string) {}, onStatus: func(*handoff.Connection) {}, feedState: func(string) handoff.FeedState { return "" },
		onRecovered: func() {}, rechecks: newRechecks(), listens: newListens(),
		opened: map[string]*opened{}, tokens: map[string]*provider.Tokens{}, meters: map[string]*provider.Meter{}, health: map[string]health{},
	}
}

// OnAvailable sets who is told that a connection works again, so that what
// waits for it can go out. It is called once, before the service is used.
func (svc *Service) OnAvailable(fn func(connectionID string)) { svc.release = fn }

// FeedStates sets who knows how an agent's event webhook fares. It is called once,
// before the service is used.
func (svc *Service) FeedStates(fn func(agentID string) handoff.FeedState) { svc.feedState = fn }

// Changed tells those who watch agents that something of one has changed that is
// kept elsewhere. It does not block.
func (svc *Service) Changed(agentID string) { svc.watchers.changed(agentID) }

// OnStatus sets who is told that a connection has another status. fn must not
// block. It is called once, before the service is used.
func (svc *Service) OnStatus(fn func(c *handoff.Connection)) { svc.onStatus = fn }

// OnRecovered sets who is told that an outage of a provider is over, in which its
// webhooks may have been lost. fn must not block. It is called once, before the
// service is used.
func (svc *Service) OnRecovered(fn func()) { svc.onRecovered = fn }

// View is an agent as its operator may see it.
type View struct {
	Agent        *handoff.Agent
	Config       proto.Message // without secrets; nil when no provider is configured
	ReceiveURL   string
	Manifest     string // of an app at the vendor's; empty if the kind has none
	Status       handoff.ConnectionStatus
	Opening      handoff.Opening // at this moment
	NeedsEmail   bool            // a handoff is refused to customers without an address
	EventWebhook handoff.FeedState
	ETag         string

	// AuthorizeURL is where somebody consents at the provider, for an hour; empty
	// if the provider asks for no consent.
	AuthorizeURL string
}

// Get returns an agent; handoff.ErrAgentNotFound if there is none.
func (svc *Service) Get(ctx context.Context, id string) (*View, error) {
	agent, err := svc.store.Agent(ctx, id)
	if err != nil {
		return nil, err
	}
	return svc.view(agent)
}

// GetOrBlank is Get, but of an agent that nobody configured it returns what there is to see.
func (svc *Service) GetOrBlank(ctx context.Context, id string) (*View, error) {
	v, err := svc.Get(ctx, id)
	if errors.Is(err, handoff.ErrAgentNotFound) {
		return svc.view(&handoff.Agent{ID: id})
	}
	return v, err
}

// List lists agents by id.
func (svc *Service) List(ctx context.Context, p handoff.Page) (views []View, nextPageToken string, err error) {
	list, next, err := svc.store.Agents(ctx, p)
	if err != nil {
		return nil, "", err
	}
	for i := range list {
		v, err := svc.view(&list[i])
		if err != nil {
			return nil, "", err
		}
		views = append(views, *v)
	}
	return views, next, nil
}

func (svc *Service) view(agent *handoff.Agent) (*View, error) {
	v := &View{Agent: agent, Status: agent.Status(), ETag: etag(agent.Version)}
	var err error
	if v.Opening, err = agent.Settings.Opening(svc.now()); err != nil {
		return nil, err
	}
	var caps handoff.Capabilities
	if c := agent.Connection; c != nil {
		caps = svc.Capabilities(c.Kind)
		if c.ReceiveToken != "" { // none yet when a change is only validated
			v.ReceiveURL = svc.receiveURL(c)
		}
		kept, err := svc.openVault(c)
		if err != nil {
			return nil, err
		}
		v.Config = provider.ClearSecrets(kept.config)
		v.AuthorizeURL = svc.authorizeURL(c, kept.config)
		v.Manifest = svc.manifest(c.Kind, kept.config, v.ReceiveURL)
	}
	v.EventWebhook = svc.feedState(agent.ID)
	v.NeedsEmail = agent.Settings.WithDefaults().NeedsEmail(caps)
	return v, nil
}

// manifest describes an app at the vendor's that calls a receive URL, if there is one.
func (svc *Service) manifest(kind string, config proto.Message, receiveURL string) string {
	k, _ := svc.kind(kind)
	if m, ok := k.(provider.Manifester); ok && receiveURL != "" {
		return m.Manifest(config, receiveURL)
	}
	return ""
}

func (svc *Service) receiveURL(c *handoff.Connection) string {
	return svc.baseURL + "/webhooks/" + c.Kind + "/" + c.ReceiveToken
}

// etag is opaque to callers; it changes with each change of the agent.
func etag(version int64) string { return strconv.FormatInt(version, 36) }

// Kinds returns the kinds of providers that are built.
func (svc *Service) Kinds() []provider.Kind { return svc.kinds }

// Capabilities returns what a kind can do; nothing for an unknown kind.
func (svc *Service) Capabilities(kind string) handoff.Capabilities {
	if k, ok := svc.kind(kind); ok {
		return k.Describe().Capabilities
	}
	return handoff.Capabilities{}
}

func (svc *Service) kind(name string) (provider.Kind, bool) {
	for _, k := range svc.kinds {
		if k.Describe().Name == name {
			return k, true
		}
	}
	return nil, false
}

// OriginAllowed reports whether an agent allows a browser origin; an empty
// agent id stands for any agent, as a preflight does not tell which.
func (svc *Service) OriginAllowed(ctx context.Context, agentID, origin string) bool {
	var allowed []string
	if agentID == "" {
		all, err := svc.store.AllowedOrigins(ctx)
		if err != nil {
			svc.log.ErrorContext(ctx, "agents.allowed_origins", slog.Any("error", err))
		}
		allowed = all
	} else {
		allowed = svc.AllowedOrigins(ctx, agentID)
	}
	return slices.Contains(allowed, origin)
}

// AllowedOrigins returns the browser origins that an agent allows; none for one
// that is unknown.
func (svc *Service) AllowedOrigins(ctx context.Context, agentID string) []string {
	if agent, err := svc.store.Agent(ctx, agentID); err == nil {
		return agent.Settings.AllowedOrigins
	}
	return nil
}

var errNoProvider = handoff.Errorf(handoff.CodeNotFound, "PROVIDER_NOT_FOUND", "no provider is configured for this agent")

// Delete takes the provider from an agent. Sessions that are open refuse it,
// unless force is given: then they go on to their end over the old connection,
// which keeps its credentials for them.
func (svc *Service) Delete(ctx context.Context, id, ifETag string, force bool) error {
	err := svc.store.UpdateAgent(ctx, id, func(rec *Record) error {
		switch {
		case rec.Agent.Version == 0:
			return handoff.ErrAgentNotFound
		case ifETag != "" && ifETag != etag(rec.Agent.Version):
			return ErrETagMismatch
		case rec.Agent.Connection == nil:
			return errNoProvider
		case rec.OpenSessions > 0 && !force:
			return handoff.Errorf(handoff.CodePrecondition, "OPEN_SESSIONS", "%d sessions are open over this provider; close them, or set force to let them end over the old connection", rec.OpenSessions)
		case rec.OpenSessions == 0:
			rec.WipeConfig = append(rec.WipeConfig, rec.Agent.Connection.ID)
		}
		rec.Agent.Connection = nil
		return nil
	})
	if err == nil {
		svc.watchers.changed(id)
		svc.listens.changed()
	}
	return err
}
