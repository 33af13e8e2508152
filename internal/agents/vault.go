package agents

import (
	"encoding/json"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// previousFor is how long a webhook signed with a replaced secret is accepted.
const previousFor = 24 * time.Hour

// vault is a provider's settings as they are sealed: what holds now, and what
// held before the secrets were replaced.
type vault struct {
	config       proto.Message
	previous     proto.Message // nil if nothing was replaced lately
	replacedTime time.Time
}

// sealedVault is the vault's form under the seal.
type sealedVault struct {
	Config       json.RawMessage `json:"config"`
	Previous     json.RawMessage `json:"previous,omitempty"`
	ReplacedTime time.Time       `json:"replaced_time,omitzero"`
}

// seal returns the vault's bytes for a connection; no other can open them.
func (svc *Service) seal(v vault, connectionID string) ([]byte, error) {
	var s sealedVault
	var err error
	if s.Config, err = provider.MarshalConfig(v.config); err != nil {
		return nil, err
	}
	if v.previous != nil {
		s.ReplacedTime = v.replacedTime
		if s.Previous, err = provider.MarshalConfig(v.previous); err != nil {
			return nil, err
		}
	}
	plain, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return svc.sealer.Seal(plain, sealContext(connectionID)), nil
}

func (svc *Service) openVault(c *handoff.Connection) (vault, error) {
	k, ok := svc.kind(c.Kind)
	if !ok {
		return vault{}, fmt.Errorf("connection %s: provider %q is not built in this version", c.ID, c.Kind)
	}
	empty := k.Describe().Config
	if len(c.Config) == 0 {
		return vault{config: empty.ProtoReflect().New().Interface()}, nil
	}
	plain, err := svc.sealer.Open(c.Config, sealContext(c.ID))
	if err != nil {
		return vault{}, fmt.Errorf("connection %s: %w", c.ID, err)
	}
	var s sealedVault
	if err := json.Unmarshal(plain, &s); err != nil {
		return vault{}, fmt.Errorf("connection %s: %w", c.ID, err)
	}
	v := vault{config: empty.ProtoReflect().New().Interface(), replacedTime: s.ReplacedTime}
	if err := provider.UnmarshalConfig(s.Config, v.config); err != nil {
		return vault{}, fmt.Errorf("connection %s: %w", c.ID, err)
	}
	if len(s.Previous) > 0 && svc.now().Sub(s.ReplacedTime) < previousFor {
		v.previous = empty.ProtoReflect().New().Interface()
		if err := provider.UnmarshalConfig(s.Previous, v.previous); err != nil {
			return vault{}, fmt.Errorf("connection %s: %w", c.ID, err)
		}
	}
	return v, nil
}

func refContext(connectionID string) []byte { return []byte("ref:" + connectionID) }

func sealContext(connectionID string) []byte { return []byte("connection:" + connectionID) }
