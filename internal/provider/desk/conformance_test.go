package desk_test

import (
	"testing"

	"github.com/human-handoff/handoff/internal/provider/desk"
	"github.com/human-handoff/handoff/internal/provider/providertest"
)

func TestConformance(t *testing.T) {
	providertest.Run(t, providertest.Harness{Kind: desk.Kind{}, BuiltIn: true})
}
