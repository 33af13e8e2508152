package wire

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// providerOneof names the oneof that holds a provider's configuration; the
// name of the field that is set is the provider's kind.
const providerOneof = "provider"

// FromProvider returns the kind and the configuration that a request's oneof
// holds; an empty kind when it holds none.
func FromProvider(r proto.Message) (kind string, config proto.Message) {
	m := r.ProtoReflect()
	field := m.WhichOneof(m.Descriptor().Oneofs().ByName(providerOneof))
	if field == nil {
		return "", nil
	}
	return string(field.Name()), m.Get(field).Message().Interface()
}

// ToProvider returns what an operator may see of an agent.
func ToProvider(v *agents.View) *handoffv1.GetProviderResponse {
	r := &handoffv1.GetProviderResponse{
		AgentId: v.Agent.ID, Settings: ToSettings(v.Agent.Settings), Status: ToStatus(v),
		ReceiveUrl: v.ReceiveURL, Manifest: v.Manifest, Etag: v.ETag,
	}
	if v.Config != nil {
		r.SecretsSet = v.Agent.Connection.SecretsSet
		m := r.ProtoReflect()
		field := m.Descriptor().Fields().ByName(protoreflect.Name(v.Agent.Connection.Kind))
		m.Set(field, protoreflect.ValueOfMessage(v.Config.ProtoReflect()))
	}
	return r
}

// ToStatus returns the service status of an agent.
func ToStatus(v *agents.View) *handoffv1.ServiceStatus {
	s := v.Status
	m := &handoffv1.ServiceStatus{
		State: serviceStates.to[s.State], ReasonCode: s.ReasonCode, Reason: s.Reason, MissingFields: s.MissingFields,
		CheckTime: ToTime(s.CheckTime), DegradedSince: ToTime(s.DegradedSince), RequiresEmail: v.NeedsEmail,
		InServicePeriod: v.Opening.Open, EffectiveWindows: toWindows(v.Opening.Windows),
	}
	if !v.Opening.Open {
		m.NextOpenTime = ToTime(v.Opening.NextOpen)
	}
	if v.Agent.Connection != nil {
		m.Provider = v.Agent.Connection.Kind
	}
	return m
}

// ToAgents returns agents as a list shows them.
func ToAgents(views []agents.View) []*handoffv1.Agent {
	list := make([]*handoffv1.Agent, len(views))
	for i := range views {
		v := &views[i]
		list[i] = &handoffv1.Agent{
			AgentId: v.Agent.ID, Status: ToStatus(v), Enabled: *v.Agent.Settings.WithDefaults().Enabled, Etag: v.ETag,
			EventWebhookState: feedStates.to[v.EventWebhook],
		}
	}
	return list
}

// ToKind returns what is known of a kind of provider before it is configured.
func ToKind(d provider.Descriptor, required []string) *handoffv1.ProviderKind {
	c := d.Capabilities
	return &handoffv1.ProviderKind{
		Kind: d.Name, Title: d.Title, Beta: d.Beta, SetupSteps: d.SetupSteps,
		Capabilities: &handoffv1.ProviderCapabilities{
			Attachments: c.Attachments, Typing: c.Typing, ReadReceipts: c.ReadReceipts,
			NeedsEmail: c.NeedsEmail, CanClose: c.CanClose,
		},
		Limits: &handoffv1.ProviderLimits{
			MaxTextBytes: int64(c.MaxTextBytes), MaxTranscriptBytes: int64(c.MaxTranscriptBytes), MaxAttachmentBytes: c.MaxAttachmentBytes,
		},
		Fields: toFields(d, required),
	}
}

func toFields(d provider.Descriptor, required []string) []*handoffv1.ProviderField {
	needed := map[string]bool{}
	for _, name := range required {
		needed[name] = true
	}
	secret := map[string]bool{}
	for _, name := range provider.SecretNames(d.Config) {
		secret[name] = true
	}
	var list []*handoffv1.ProviderField
	fields := d.Config.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		name := string(fields.Get(i).Name())
		list = append(list, &handoffv1.ProviderField{
			Name: name, Secret: secret[name], Required: needed[name], Description: d.Fields[name],
		})
	}
	return list
}

var (
	deliveryKinds = pair(map[handoff.DeliveryKind]handoffv1.DeliveryKind{
		handoff.DeliverStart:   handoffv1.DeliveryKind_DELIVERY_KIND_START,
		handoff.DeliverMessage: handoffv1.DeliveryKind_DELIVERY_KIND_MESSAGE,
		handoff.DeliverClose:   handoffv1.DeliveryKind_DELIVERY_KIND_CLOSE,
	})
	deliveryStates = pair(map[handoff.DeliveryState]handoffv1.DeliveryState{
		handoff.DeliveryPending:   handoffv1.DeliveryState_DELIVERY_STATE_PENDING,
		handoff.DeliveryDelivered: handoffv1.DeliveryState_DELIVERY_STATE_DELIVERED,
		handoff.DeliveryRead:      handoffv1.DeliveryState_DELIVERY_STATE_READ,
		handoff.DeliveryFailed:    handoffv1.DeliveryState_DELIVERY_STATE_FAILED,
	})
)
