package whatsapp_test

import (
	"testing"

	"github.com/human-handoff/handoff/internal/provider/providertest"
	"github.com/human-handoff/handoff/internal/provider/whatsapp"
	"github.com/human-handoff/handoff/internal/provider/whatsapp/whatsapptest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Run(t, providertest.Harness{Kind: whatsapp.Kind{}, Traits: whatsapptest.Traits()})
}
