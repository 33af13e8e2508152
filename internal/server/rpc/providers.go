package rpc

import (
	"context"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/server/wire"
)

// ConfigureProvider saves an agent's settings and provider and tells whether it works.
func (s *handoffServer) ConfigureProvider(ctx context.Context, r *handoffv1.ConfigureProviderRequest) (*handoffv1.ConfigureProviderResponse, error) {
	kind, config := wire.FromProvider(r)
	v, err := s.config.Agents.Configure(ctx, agents.Change{
		AgentID: r.GetAgentId(), Kind: kind, Config: config, ClearSecrets: r.GetClearSecrets(),
		ETag: r.GetEtag(), ValidateOnly: r.GetValidateOnly(),
		Settings: func(old handoff.Settings) (handoff.Settings, error) { return newSettings(old, r) },
	})
	if err != nil {
		return nil, err
	}
	return &handoffv1.ConfigureProviderResponse{
		Status: wire.ToStatus(v), ReceiveUrl: v.ReceiveURL, AuthorizeUrl: v.AuthorizeURL, Etag: v.ETag,
	}, nil
}

// newSettings applies a request to the settings of before: none keep them,
// settings replace them whole, and a mask takes its paths alone.
func newSettings(old handoff.Settings, r *handoffv1.ConfigureProviderRequest) (handoff.Settings, error) {
	paths := r.GetUpdateMask().GetPaths()
	if len(paths) == 0 {
		if r.GetSettings() == nil {
			return old, nil
		}
		return wire.FromSettings(r.GetSettings()), nil
	}
	target := wire.ToSettings(old)
	given := r.GetSettings()
	if given == nil {
		given = &handoffv1.Settings{}
	}
	for _, path := range paths {
		if err := copyField(target.ProtoReflect(), given.ProtoReflect(), path); err != nil {
			return old, err
		}
	}
	return wire.FromSettings(target), nil
}

// copyField copies one path of a mask; a field that is not given is reset to its default.
func copyField(to, from protoreflect.Message, path string) error {
	name := strings.TrimPrefix(path, "settings.")
	field := to.Descriptor().Fields().ByName(protoreflect.Name(name))
	if field == nil {
		return handoff.Errorf(handoff.CodeInvalid, "BAD_UPDATE_MASK", "update_mask: settings have no field %q; paths are names such as wait_timeout", path)
	}
	if from.Has(field) {
		to.Set(field, from.Get(field))
	} else {
		to.Clear(field)
	}
	return nil
}

// GetProvider returns an agent's configuration without its secrets.
func (s *handoffServer) GetProvider(ctx context.Context, r *handoffv1.GetProviderRequest) (*handoffv1.GetProviderResponse, error) {
	v, err := s.config.Agents.Get(ctx, r.GetAgentId())
	if err != nil {
		return nil, err
	}
	m := wire.ToProvider(v)
	if p, err := auth.Caller(ctx); err == nil && p.Scope == auth.ScopeAdmin {
		m.AuthorizeUrl = v.AuthorizeURL // a consent changes the configuration
	}
	return m, nil
}

// GetServiceStatus tells whether a human can be reached. An agent that nobody
// configured is NOT_CONFIGURED, which is an answer, not an error.
func (s *handoffServer) GetServiceStatus(ctx context.Context, r *handoffv1.GetServiceStatusRequest) (*handoffv1.GetServiceStatusResponse, error) {
	v, err := s.config.Agents.GetOrBlank(ctx, r.GetAgentId())
	if err != nil {
		return nil, err
	}
	return &handoffv1.GetServiceStatusResponse{Status: wire.ToStatus(v)}, nil
}

// TestProvider asks the provider whether the configuration works.
func (s *handoffServer) TestProvider(ctx context.Context, r *handoffv1.TestProviderRequest) (*handoffv1.TestProviderResponse, error) {
	v, err := s.config.Agents.Test(ctx, r.GetAgentId())
	if err != nil {
		return nil, err
	}
	return &handoffv1.TestProviderResponse{Status: wire.ToStatus(v)}, nil
}

// DeleteProvider takes the provider from an agent.
func (s *handoffServer) DeleteProvider(ctx context.Context, r *handoffv1.DeleteProviderRequest) (*handoffv1.DeleteProviderResponse, error) {
	if err := s.config.Agents.Delete(ctx, r.GetAgentId(), r.GetEtag(), r.GetForce()); err != nil {
		return nil, err
	}
	return &handoffv1.DeleteProviderResponse{}, nil
}

// ListProviderKinds lists the kinds of providers that are built.
func (s *handoffServer) ListProviderKinds(context.Context, *handoffv1.ListProviderKindsRequest) (*handoffv1.ListProviderKindsResponse, error) {
	response := &handoffv1.ListProviderKindsResponse{}
	for _, k := range s.config.Agents.Kinds() {
		d := k.Describe()
		response.Kinds = append(response.Kinds, wire.ToKind(d, k.Missing(proto.Clone(d.Config))))
	}
	return response, nil
}

// ListAgents lists the agents with their status.
func (s *handoffServer) ListAgents(ctx context.Context, r *handoffv1.ListAgentsRequest) (*handoffv1.ListAgentsResponse, error) {
	views, next, err := s.config.Agents.List(ctx, page(r))
	if err != nil {
		return nil, err
	}
	return &handoffv1.ListAgentsResponse{Agents: wire.ToAgents(views), NextPageToken: next}, nil
}
