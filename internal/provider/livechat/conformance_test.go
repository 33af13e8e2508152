package livechat_test

import (
	"testing"

	"github.com/human-handoff/handoff/internal/provider/livechat"
	"github.com/human-handoff/handoff/internal/provider/livechat/livechattest"
	"github.com/human-handoff/handoff/internal/provider/providertest"
)

func TestConformance(t *testing.T) {
	providertest.Run(t, providertest.Harness{Kind: livechat.Kind{}, Traits: livechattest.Traits()})
}
