package slack_test

import (
	"testing"

	"github.com/human-handoff/handoff/internal/provider/providertest"
	"github.com/human-handoff/handoff/internal/provider/slack"
	"github.com/human-handoff/handoff/internal/provider/slack/slacktest"
)

func TestConformance(t *testing.T) {
	providertest.Run(t, providertest.Harness{Kind: slack.Kind{}, Traits: slacktest.Traits()})
}
