package intercom_test

import (
	"testing"

	"github.com/human-handoff/handoff/internal/provider/intercom"
	"github.com/human-handoff/handoff/internal/provider/intercom/intercomtest"
	"github.com/human-handoff/handoff/internal/provider/providertest"
)

func TestConformance(t *testing.T) {
	providertest.Run(t, providertest.Harness{Kind: intercom.Kind{}, Traits: intercomtest.Traits()})
}
