package webhook_test

import (
	"testing"

	"github.com/human-handoff/handoff/internal/provider/providertest"
	"github.com/human-handoff/handoff/internal/provider/webhook"
	"github.com/human-handoff/handoff/internal/provider/webhook/webhooktest"
)

func TestConformance(t *testing.T) {
	providertest.Run(t, providertest.Harness{Kind: webhook.Kind{}, Traits: webhooktest.Traits()})
}
