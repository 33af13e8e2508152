package agents

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/human-handoff/handoff/internal/dispatch"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/seal"
)

// opened is a connection that is ready for calls.
type opened struct {
	version       int64
	conn          *provider.Conn
	previous      *provider.Conn // with the replaced secrets, for webhooks alone; may be nil
	previousUntil time.Time
}

// Sender returns the connection for outbound calls.
func (svc *Service) Sender(ctx context.Context, connectionID string) (dispatch.Sender, error) {
	conn, err := svc.conn(ctx, connectionID)
	if err != nil {
		return nil, err // and no interface around nothing
	}
	return conn, nil
}

// Messenger returns the connection if it is one to a chat app, else nil.
func (svc *Service) Messenger(ctx context.Context, connectionID string) (provider.Messenger, error) {
	conn, err := svc.conn(ctx, connectionID)
	if err != nil || !conn.IsMessenger() {
		return nil, err
	}
	return conn, nil
}

// Locate implements files.Locator.
func (svc *Service) Locate(ctx context.Context, r handoff.RemoteFile) (handoff.RemoteFile, error) {
	conn, err := svc.conn(ctx, r.ConnectionID)
	if err != nil {
		return r, err
	}
	located, err := conn.Locate(ctx, r)
	if err != nil && provider.ClassOf(err) == provider.ClassRejected {
		err = &handoff.Error{Code: handoff.CodeInvalid, Reason: "FILE_NOT_FETCHED", Message: err.Error(), Err: err}
	}
	return located, err
}

func (svc *Service) conn(ctx context.Context, connectionID string) (*provider.Conn, error) {
	svc.mu.Lock()
	o := svc.opened[connectionID]
	svc.mu.Unlock()
	if o == nil {
		c, err := svc.store.Connection(ctx, connectionID)
		if err != nil {
			return nil, err
		}
		if o, err = svc.open(c); err != nil {
			return nil, err
		}
	}
	return o.conn, nil
}

// Terms implements dispatch.Connections.
func (svc *Service) Terms(ctx context.Context, connectionID string) (dispatch.Terms, error) {
	c, err := svc.store.Connection(ctx, connectionID)
	if err != nil {
		return dispatch.Terms{}, err
	}
	var t dispatch.Terms
	if k, ok := svc.kind(c.Kind); ok {
		t.Limits = k.Describe().Limits
	}
	t.Held = held(c)
	if o, err := svc.open(c); err == nil && o.conn.Paces() {
		t.PaceBurst = o.conn.PaceBurst()
		t.Pace = func(call provider.Call) (key string, interval time.Duration) { return svc.pace(connectionID, o, call) }
	}
	return t, nil
}

// held reports whether nothing is to be sent until somebody acts. An outage ends by
// itself, and a call may be the first to find out.
func held(c *handoff.Connection) bool {
	return c.Status.State != handoff.ServiceAvailable && c.Status.ReasonCode != handoff.ReasonUnreachable
}

// pace asks the connection as it is configured now; before it has been opened
// again, as it was.
func (svc *Service) pace(connectionID string, was *opened, call provider.Call) (key string, interval time.Duration) {
	svc.mu.Lock()
	if o := svc.opened[connectionID]; o != nil {
		was = o
	}
	svc.mu.Unlock()
	return was.conn.Pace(call)
}

// open opens a stored connection, or returns the opened one of the same version.
func (svc *Service) open(c *handoff.Connection) (*opened, error) {
	svc.mu.Lock()
	o := svc.opened[c.ID]
	svc.mu.Unlock()
	if o != nil && o.version >= c.Version {
		return o, nil
	}
	kept, err := svc.openVault(c)
	if err != nil {
		return nil, err
	}
	o = &opened{version: c.Version, previousUntil: kept.replacedTime.Add(previousFor)}
	if o.conn, err = svc.connect(c, kept.config); err != nil {
		return nil, err
	}
	if kept.previous != nil {
		if o.previous, err = svc.connect(c, kept.previous); err != nil {
			return nil, err
		}
	}
	svc.mu.Lock()
	defer svc.mu.Unlock()
	if newer := svc.opened[c.ID]; newer != nil && newer.version > c.Version {
		return newer, nil
	}
	svc.opened[c.ID] = o
	return o, nil
}

// reopen makes the next call use a connection's new configuration.
func (svc *Service) reopen(connectionID string) {
	svc.mu.Lock()
	defer svc.mu.Unlock()
	delete(svc.opened, connectionID)
}

// connect makes a Conn of a configuration. Further secrets are those that a call
// will carry besides.
func (svc *Service) connect(c *handoff.Connection, config proto.Message, further ...string) (*provider.Conn, error) {
	k, ok := svc.kind(c.Kind)
	if !ok {
		return nil, fmt.Errorf("provider %q is not built in this version", c.Kind)
	}
	if missing := k.Missing(config); len(missing) > 0 {
		return nil, provider.Errorf(provider.ClassIncomplete, "the configuration lacks %v", missing)
	}
	adapter, err := k.Open(config, svc.deps(c))
	if err != nil {
		return nil, err
	}
	return provider.NewConn(provider.ConnOptions{
		Connection: *c, Adapter: adapter, Logger: svc.log, Now: svc.now,
		Secrets: append(slices.Collect(maps.Values(provider.Secrets(config))), further...),
	}), nil
}

// deps is what the adapters of a connection work with.
func (svc *Service) deps(c *handoff.Connection) provider.Deps {
	connectionID := c.ID
	svc.mu.Lock()
	defer svc.mu.Unlock()
	if svc.tokens[connectionID] == nil {
		svc.tokens[connectionID] = provider.NewTokens(svc.now)
		svc.meters[connectionID] = provider.NewMeter(svc.now)
	}
	deps := provider.Deps{
		HTTP: svc.http, Files: svc.files, Now: svc.now, Tokens: svc.tokens[connectionID], Meter: svc.meters[connectionID],
		Seal: func(plain string) string {
			return base64.RawStdEncoding.EncodeToString(svc.sealer.Seal([]byte(plain), refContext(connectionID)))
		},
		Unseal: func(sealed string) (string, error) {
			data, err := base64.RawStdEncoding.DecodeString(sealed)
			if err != nil {
				return "", seal.ErrFormat
			}
			plain, err := svc.sealer.Open(data, refContext(connectionID))
			return string(plain), err
		},
		Renew: func(ctx context.Context, secrets map[string]string) error {
			return svc.keepSecrets(ctx, connectionID, 0, secrets)
		},
	}
	if c.ReceiveToken != "" {
		deps.ReceiveURL = svc.receiveURL(c)
	}
	if svc.sent != nil {
		deps.Sent = func(ctx context.Context, vendorID string) (bool, error) { return svc.sent(ctx, connectionID, vendorID) }
	}
	return deps
}

// Conn returns the connection for calls that are no deliveries. One that is held
// until somebody acts is an error.
func (svc *Service) Conn(ctx context.Context, connectionID string) (*provider.Conn, error) {
	c, err := svc.store.Connection(ctx, connectionID)
	if err != nil {
		return nil, err
	}
	if held(c) {
		return nil, provider.Errorf(provider.ClassIncomplete, "the connection waits for its configuration: %s", c.Status.Reason)
	}
	o, err := svc.open(c)
	if err != nil {
		return nil, err
	}
	return o.conn, nil
}

// Looks implements reconcile.Connections.
func (svc *Service) Looks(kind string) float64 {
	if k, ok := svc.kind(kind); ok {
		return k.Describe().Limits.Looks
	}
	return 0
}

// Queuing returns the kinds whose connections can be asked for places in a queue.
func (svc *Service) Queuing() []string {
	var names []string
	for _, k := range svc.kinds {
		if d := k.Describe(); d.Queues {
			names = append(names, d.Name)
		}
	}
	return names
}

// Reconciling returns the kinds whose connections can be asked for what was missed:
// those whose calls cost money, or the others.
func (svc *Service) Reconciling(billed bool) []string {
	var names []string
	for _, k := range svc.kinds {
		if d := k.Describe(); d.Reconciles && d.Billed == billed {
			names = append(names, d.Name)
		}
	}
	return names
}
