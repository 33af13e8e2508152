package zendesk_test

import (
	"testing"

	"github.com/human-handoff/handoff/internal/provider/providertest"
	"github.com/human-handoff/handoff/internal/provider/zendesk"
	"github.com/human-handoff/handoff/internal/provider/zendesk/zendesktest"
)

func TestConformance(t *testing.T) {
	providertest.Run(t, providertest.Harness{Kind: zendesk.Kind{}, Traits: zendesktest.Traits()})
}
