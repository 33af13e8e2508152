package chatwoot_test

import (
	"testing"

	"github.com/human-handoff/handoff/internal/provider/chatwoot"
	"github.com/human-handoff/handoff/internal/provider/chatwoot/chatwoottest"
	"github.com/human-handoff/handoff/internal/provider/providertest"
)

func TestConformance(t *testing.T) {
	providertest.Run(t, providertest.Harness{Kind: chatwoot.Kind{}, Traits: chatwoottest.Traits()})
}
