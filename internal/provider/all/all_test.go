package all_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/human-handoff/handoff/internal/provider/all"
)

func TestKindsAreDescribed(t *testing.T) {
	names := map[string]bool{}
	for _, kind := range all.Kinds() {
		d := kind.Describe()
		assert.NotEmpty(t, d.Name)
		assert.NotEmpty(t, d.Title, d.Name)
		assert.NotEmpty(t, d.SetupSteps, d.Name)
		assert.False(t, names[d.Name], "%s is there twice", d.Name)
		names[d.Name] = true

		require.NotNil(t, d.Config, d.Name)
		account, err := kind.Account(d.Config)
		require.NoError(t, err, "an empty configuration is incomplete, not wrong")
		assert.True(t, account != "" || len(kind.Missing(d.Config)) > 0, "%s: what needs nothing has an account", d.Name)
		fields := d.Config.ProtoReflect().Descriptor().Fields()
		assert.Len(t, d.Fields, fields.Len(), d.Name)
		for i := range fields.Len() {
			assert.NotEmpty(t, d.Fields[string(fields.Get(i).Name())], fields.Get(i).FullName())
		}
		assertSecretsArePlain(t, d.Config.ProtoReflect().Descriptor(), true)
	}
	assert.True(t, names["webhook"])
	assert.True(t, names["desk"])
}

// Sealing, masking and forms see the secrets that are strings of the
// configuration itself. One anywhere else would be shown.
func assertSecretsArePlain(t *testing.T, m protoreflect.MessageDescriptor, top bool) {
	t.Helper()
	for i := range m.Fields().Len() {
		field := m.Fields().Get(i)
		options, _ := field.Options().(*descriptorpb.FieldOptions)
		if options.GetDebugRedact() {
			assert.True(t, top && field.Kind() == protoreflect.StringKind && !field.IsList(), "%s cannot be secret", field.FullName())
		}
		if field.Kind() == protoreflect.MessageKind && field.Message().ParentFile() == m.ParentFile() {
			assertSecretsArePlain(t, field.Message(), false)
		}
	}
}
