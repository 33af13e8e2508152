package wecom_test

import (
	"testing"

	"github.com/human-handoff/handoff/internal/provider/providertest"
	"github.com/human-handoff/handoff/internal/provider/wecom"
	"github.com/human-handoff/handoff/internal/provider/wecom/wecomtest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Run(t, providertest.Harness{Kind: wecom.Kind{}, Traits: wecomtest.Traits()})
}
