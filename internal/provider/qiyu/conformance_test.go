package qiyu_test

import (
	"testing"

	"github.com/human-handoff/handoff/internal/provider/providertest"
	"github.com/human-handoff/handoff/internal/provider/qiyu"
	"github.com/human-handoff/handoff/internal/provider/qiyu/qiyutest"
)

func TestConformance(t *testing.T) {
	providertest.Run(t, providertest.Harness{Kind: qiyu.Kind{}, Traits: qiyutest.Traits()})
}
