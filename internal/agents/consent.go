package agents

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// ConsentPath is what follows a receive URL where a browser comes back to from a consent.
const ConsentPath = "/oauth"

// consentFor is how long a link for a consent is good.
const consentFor = time.Hour

// consentLabel separates the keys of states from other uses of the encryption key.
const consentLabel = "handoff consent state v1"

// Errors of Consent.
var (
	errNoState = handoff.Errorf(handoff.CodeInvalid, "CONSENT_LINK_UNKNOWN",
		"this is not the way back from a link of ours, or the configuration was changed after the link was made; open the link that GetProvider tells as authorize_url")
	errOldState = handoff.Errorf(handoff.CodeInvalid, "CONSENT_LINK_EXPIRED",
		"the link for this consent was good for an hour, which is over; open the link that GetProvider tells as authorize_url now")
	errNoCode = handoff.Errorf(handoff.CodeInvalid, "CONSENT_INCOMPLETE",
		"the provider sent neither a code nor a refusal; open the link that GetProvider tells as authorize_url once more")
)

// Consent is what came of a consent.
type Consent struct {
	Title  string // of the provider
	Status handoff.ConnectionStatus
}

// consentState makes the state of a consent: when it ends, and a MAC that binds it
// to a connection as it is configured now. Nobody else can make one, and the
// configuration that it leads to ends it.
func (svc *Service) consentState(c *handoff.Connection) string {
	state := binary.BigEndian.AppendUint64(nil, uint64(svc.now().Add(consentFor).Unix())) //nolint:gosec // it is after 1970
	return base64.RawURLEncoding.EncodeToString(append(state, stateMAC(svc.sealer.MACKeys(consentLabel)[0], c, state)...))
}

func stateMAC(key []byte, c *handoff.Connection, end []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(end) // of fixed length
	_, _ = fmt.Fprintf(mac, "%d %s", c.Version, c.ID)
	return mac.Sum(nil)
}

// checkState proves that a state was made for a connection, and not long ago.
func (svc *Service) checkState(c *handoff.Connection, state string) error {
	const size = 8 + sha256.Size
	given, err := base64.RawURLEncoding.DecodeString(state)
	if err != nil || len(given) != size {
		return errNoState
	}
	for _, key := range svc.sealer.MACKeys(consentLabel) {
		if !hmac.Equal(given[8:], stateMAC(key, c, given[:8])) {
			continue
		}
		if uint64(svc.now().Unix()) >= binary.BigEndian.Uint64(given) { //nolint:gosec // it is after 1970
			return errOldState
		}
		return nil
	}
	return errNoState
}

// authorizeURL returns where somebody consents to a connection; empty if nobody has to.
func (svc *Service) authorizeURL(c *handoff.Connection, config proto.Message) string {
	if c.ReceiveToken == "" {
		return "" // not stored yet
	}
	conn, err := svc.connect(c, config)
	if err != nil {
		return "" // incomplete; what is missing says the status
	}
	return conn.AuthorizeURL(svc.receiveURL(c)+ConsentPath, svc.consentState(c))
}

// Consent takes what a browser brings back from a consent: it has the provider
// exchange the code, keeps what comes of it, and checks the connection with it.
// Errors are [*handoff.Error], for the person in front of the browser. A consent
// that fails changes nothing of a connection that works.
func (svc *Service) Consent(ctx context.Context, kind, token string, query url.Values) (Consent, error) {
	list, err := svc.store.ConnectionsByToken(ctx, kind, token)
	if err != nil {
		return Consent{}, err
	}
	if len(list) == 0 {
		return Consent{}, ErrUnknownToken
	}
	var c *handoff.Connection
	err = errNoState
	for i := range list {
		if err = svc.checkState(&list[i], query.Get("state")); !errors.Is(err, errNoState) {
			c = &list[i]
			break
		}
	}
	if err == nil {
		err = svc.exchange(ctx, c, query)
	}
	if err != nil {
		return Consent{}, err
	}
	if c, err = svc.store.Connection(ctx, c.ID); err != nil {
		return Consent{}, err
	}
	status, err := svc.checkAgain(ctx, c)
	if err != nil {
		return Consent{}, err
	}
	k, _ := svc.kind(kind)
	svc.log.InfoContext(ctx, "agents.consent", slog.String("connection_id", c.ID), slog.String("agent_id", c.AgentID),
		slog.String("provider", kind), slog.String("state", string(status.State)))
	return Consent{Title: k.Describe().Title, Status: status}, nil
}

// exchange has the code of a consent exchanged and keeps what comes of it.
func (svc *Service) exchange(ctx context.Context, c *handoff.Connection, query url.Values) error {
	// RFC 6749, section 4.1.2.1.
	if refusal := query.Get("error"); refusal != "" {
		err := provider.Errorf(provider.ClassConsent, "the consent was refused at the provider (%s); to go on, open the link that GetProvider tells as authorize_url and agree", quoted(refusal, query.Get("error_description")))
		svc.consentFailed(ctx, c, err)
		return handoff.Errorf(handoff.CodePermission, "CONSENT_REFUSED", "%s", err)
	}
	code := query.Get("code")
	if code == "" {
		return errNoCode
	}
	kept, err := svc.openVault(c)
	if err != nil {
		return err
	}
	conn, err := svc.connect(c, kept.config, code)
	if err != nil {
		return err
	}
	secrets, err := conn.Exchange(ctx, provider.Grant{Code: code, RedirectURL: svc.receiveURL(c) + ConsentPath})
	if err != nil {
		svc.consentFailed(ctx, c, err)
		code := handoff.CodePrecondition
		if healthOf(err) == degraded {
			code = handoff.CodeUnavailable
		}
		return handoff.Errorf(code, "CONSENT_FAILED", "%s", err)
	}
	return svc.keepSecrets(ctx, c.ID, c.Version, secrets)
}

// quoted shortens what a foreign page told of a refusal.
func quoted(refusal, description string) string {
	const most = 100
	text := fmt.Sprintf("%.*q", most, refusal)
	if description != "" {
		text += fmt.Sprintf(": %.*q", most, description)
	}
	return text
}

// consentFailed notes why a consent came to nothing, unless the connection works.
func (svc *Service) consentFailed(ctx context.Context, c *handoff.Connection, cause error) {
	changed, err := svc.store.SetStatus(ctx, c.ID, func(s *handoff.ConnectionStatus) {
		if s.State == handoff.ServiceUnavailable {
			s.ReasonCode, s.Reason, s.CheckTime = provider.ClassOf(cause).ReasonCode(), cause.Error(), svc.now()
		}
	})
	if err != nil {
		svc.log.ErrorContext(ctx, "agents.consent", slog.String("connection_id", c.ID), slog.Any("error", err))
	}
	svc.statusChanged(changed)
}

// keepSecrets seals new values of secrets into a connection's configuration. A
// version that is not 0 has to be the connection's, or else it was changed meanwhile.
func (svc *Service) keepSecrets(ctx context.Context, connectionID string, version int64, secrets map[string]string) error {
	if len(secrets) == 0 {
		return nil
	}
	err := svc.store.UpdateConnection(ctx, connectionID, func(c *handoff.Connection) error {
		if version != 0 && c.Version != version {
			return errNoState
		}
		v, err := svc.openVault(c)
		if err != nil {
			return err
		}
		fields := v.config.ProtoReflect().Descriptor().Fields()
		for name, value := range secrets {
			field := fields.ByName(protoreflect.Name(name))
			if field == nil || field.Kind() != protoreflect.StringKind {
				return fmt.Errorf("%s has no secret %q", c.Kind, name)
			}
			v.config.ProtoReflect().Set(field, protoreflect.ValueOfString(value))
		}
		c.SecretsSet = secretsSet(v.config)
		c.Config, err = svc.seal(v, c.ID)
		return err
	})
	if err == nil {
		svc.reopen(connectionID)
	}
	return err
}
