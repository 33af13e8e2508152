package all_test

import (
	"fmt"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/provider/all"
	"github.com/human-handoff/handoff/internal/provider/desk"
	"github.com/human-handoff/handoff/internal/provider/intercom"
	"github.com/human-handoff/handoff/internal/provider/intercom/intercomspec"
	"github.com/human-handoff/handoff/internal/provider/providertest"
)

// TestConformance runs the suite for every provider and prints one table: cases
// down, providers across. The table in the docs has to be the same.
func TestConformance(t *testing.T) {
	spec, err := intercomspec.Load(t.Context())
	require.NoError(t, err)
	checks := map[string]func(*http.Request, []byte) error{intercom.Name: spec.Check}
	builtIn := map[string]bool{desk.Name: true}

	emulators := all.Emulators()
	var harnesses []providertest.Harness
	for _, kind := range all.Kinds() {
		name := kind.Describe().Name
		traits, emulated := emulators[name]
		require.True(t, emulated || builtIn[name], "%s has no emulator", name)
		harnesses = append(harnesses, providertest.Harness{Kind: kind, Traits: traits, Check: checks[name], BuiltIn: builtIn[name]})
	}
	table := providertest.RunAll(t, harnesses)
	if !table.Complete() {
		return // some cases were chosen
	}
	_, _ = fmt.Fprintln(os.Stdout, table.String())
	requireFresh(t, "conformance.md", table.String())
}
