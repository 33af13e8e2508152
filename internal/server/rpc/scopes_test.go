package rpc

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/human-handoff/handoff/internal/auth"
)

// methods returns the procedures of all services that are served.
func methods(t *testing.T) map[string]protoreflect.MethodDescriptor {
	t.Helper()
	found := map[string]protoreflect.MethodDescriptor{}
	for _, name := range services {
		d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
		require.NoError(t, err)
		service, ok := d.(protoreflect.ServiceDescriptor)
		require.True(t, ok)
		for i := range service.Methods().Len() {
			m := service.Methods().Get(i)
			found["/"+name+"/"+string(m.Name())] = m
		}
	}
	return found
}

func TestEveryRPCHasARule(t *testing.T) {
	t.Parallel()
	all := methods(t)
	for procedure := range all {
		require.Contains(t, scopesOf, procedure)
	}
	require.Len(t, scopesOf, len(all), "no rule is left over")
	for procedure, scopes := range scopesOf {
		if len(scopes) > 0 {
			require.Contains(t, scopes, auth.ScopeAdmin, "%s: an admin may do everything", procedure)
		}
	}
}

// A session token covers one session, so what it may call has to name one; and
// what an agent's key may call has to tell whose it is, or be scoped by the handler.
func TestTargetsCanBeToldFromRequests(t *testing.T) {
	t.Parallel()
	scopedByHandler := map[string]bool{"ListSessions": true, "WatchSessions": true}
	for procedure, m := range methods(t) {
		scopes := scopesOf[procedure]
		fields := m.Input().Fields()
		hasSession := fields.ByName("session_id") != nil
		if len(scopes) == len(forSession) {
			require.True(t, hasSession, procedure)
		}
		if len(scopes) == len(forAgent) {
			require.True(t, hasSession || fields.ByName("agent_id") != nil || scopedByHandler[string(m.Name())], procedure)
		}
	}
}
