package dingtalk_test

import (
	"testing"

	"github.com/human-handoff/handoff/internal/provider/dingtalk"
	"github.com/human-handoff/handoff/internal/provider/dingtalk/dingtalktest"
	"github.com/human-handoff/handoff/internal/provider/providertest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Run(t, providertest.Harness{Kind: dingtalk.Kind{}, Traits: dingtalktest.Traits()})
}
