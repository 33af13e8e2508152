package feed

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/flow"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/stdwebhook"
)

// Change is what an operator wants of a feed.
type Change struct {
	AgentID       string
	URL           string
	Secret        string // empty = keep the present one, or make one
	ReplaceSecret bool   // make one, though there is one
	Kinds         []handoff.EventKind
	Disabled      bool
	FromStart     bool // a new feed begins at the first event of each open session
}

// concurrent is how many calls are under way to one feed at most.
const concurrent = 128

// Set stores a feed and takes it into use. It returns the secret when it made one.
func (svc *Service) Set(ctx context.Context, c Change) (v *View, made string, err error) {
	if err := svc.check(ctx, c); err != nil {
		return nil, "", err
	}
	svc.configuring.Lock()
	defer svc.configuring.Unlock()
	var stored Feed
	err = svc.store.UpdateFeed(ctx, c.AgentID, c.FromStart, func(f *Feed) (err error) {
		if f.Secret, made, err = svc.nextSecrets(f, c); err != nil {
			return err
		}
		svc.apply(f, c)
		stored = *f
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	stored.Version++
	if err := svc.use(ctx, stored); err != nil {
		return nil, "", err
	}
	svc.onState(c.AgentID)
	v, err = svc.Get(ctx, c.AgentID)
	return v, made, err
}

func (svc *Service) check(ctx context.Context, c Change) error {
	if _, err := svc.store.Agent(ctx, c.AgentID); err != nil {
		return err
	}
	if err := checkURL(c.URL); err != nil {
		return err
	}
	if c.Secret == "" {
		return nil
	}
	if c.ReplaceSecret {
		return handoff.Errorf(handoff.CodeInvalid, "TWO_SECRETS", "give signing_secret or replace_secret, not both")
	}
	if _, err := stdwebhook.StrictKey(c.Secret); err != nil {
		return handoff.Errorf(handoff.CodeInvalid, "BAD_SIGNING_SECRET", "%s", err)
	}
	return nil
}

func checkURL(raw string) error {
	var problem string
	u, err := url.Parse(raw)
	switch {
	case err != nil: // which is not told, for a password may stand in it
		problem = "is not an address"
	case u.Scheme != "http" && u.Scheme != "https":
		problem = "must begin with http:// or https://"
	case u.Hostname() == "":
		problem = "has no host"
	case u.User != nil:
		problem = "must not contain a user or password; the signature tells who calls"
	case strings.Contains(raw, "#"):
		problem = "must not have a fragment"
	default:
		return nil
	}
	return handoff.Errorf(handoff.CodeInvalid, "BAD_URL", "url: %s", problem)
}

// apply changes a feed. What is set is enabled, unless the operator says otherwise.
func (svc *Service) apply(f *Feed, c Change) {
	now := svc.now()
	if f.Version == 0 {
		f.CreateTime = now
	}
	f.URL, f.Kinds = c.URL, c.Kinds
	f.FailingSince, f.LastError = time.Time{}, ""
	switch {
	case c.Disabled:
		f.Disabled, f.DisableTime = disabledByOperator, now
	default:
		f.Disabled, f.DisableTime = "", time.Time{}
	}
}

// nextSecrets returns the sealed secrets of a changed feed, and the one that it made.
func (svc *Service) nextSecrets(f *Feed, c Change) (sealed []byte, made string, err error) {
	var s secrets
	sameHost := false
	if f.Version > 0 {
		if s, err = svc.open(f); err != nil {
			return nil, "", err
		}
		sameHost = host(f.URL) == host(c.URL)
	}
	next := c.Secret
	if next == "" && !c.ReplaceSecret && sameHost {
		next = s.Secret
	}
	if next == "" {
		made = stdwebhook.NewSecret()
		next = made
	}
	switch {
	case !sameHost:
		s = secrets{Secret: next} // what another host knows proves nothing to this one
	case next != s.Secret:
		s = secrets{Secret: next, Previous: s.Secret, ReplacedTime: svc.now()}
	}
	sealed, err = svc.seal(s, c.AgentID)
	return sealed, made, err
}

func host(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return strings.ToLower(u.Host)
}

// use takes a stored feed into use, or its changes. The caller holds
// svc.configuring.
func (svc *Service) use(ctx context.Context, stored Feed) error {
	s, err := svc.open(&stored)
	if err != nil {
		return err
	}
	keys, err := s.keys()
	if err != nil {
		return err
	}
	if svc.adopt(stored, keys, s.ReplacedTime.Add(previousFor)) {
		return svc.catchUp(ctx, stored.AgentID, true)
	}
	return nil
}

// adopt puts a feed into memory. It reports whether it starts to send, so that
// what it may have missed has to be looked for.
func (svc *Service) adopt(stored Feed, keys [][]byte, until time.Time) (starts bool) {
	svc.mu.Lock()
	defer svc.mu.Unlock()
	f := svc.feeds[stored.AgentID]
	starts = stored.Disabled == "" && (f == nil || f.stored.Disabled != "")
	if f == nil {
		f = &feed{gate: flow.NewGate(flow.Limits{Concurrent: concurrent}, svc.jitter)}
		f.alarm.Ring = func() { svc.pump(f) }
		svc.feeds[stored.AgentID] = f
	}
	f.stored, f.keys, f.until = stored, keys, until
	f.failingSince, f.lastError = stored.FailingSince, stored.LastError
	f.failing = !f.failingSince.IsZero() // only then it is stored
	if stored.Disabled != "" {
		svc.dropLanes(f)
		return false
	}
	f.gate.Release()
	svc.hurry(f)
	svc.pump(f)
	return starts
}

// Delete removes an agent's feed; ErrNotFound if it has none.
func (svc *Service) Delete(ctx context.Context, agentID string) error {
	svc.configuring.Lock()
	defer svc.configuring.Unlock()
	if err := svc.store.DeleteFeed(ctx, agentID); err != nil {
		return err
	}
	svc.mu.Lock()
	if f := svc.feeds[agentID]; f != nil {
		f.stored.Disabled = disabledByOperator // for calls that are under way
		svc.dropLanes(f)
		delete(svc.feeds, agentID)
	}
	svc.mu.Unlock()
	svc.onState(agentID)
	return nil
}
