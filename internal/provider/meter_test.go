package provider_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/human-handoff/handoff/internal/provider"
)

func TestMeter(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	m := provider.NewMeter(func() time.Time { return now })
	r := provider.Ration{Burst: 3, Interval: 4 * time.Second}
	for range 3 {
		assert.Zero(t, m.Take(r, 1, "ann"))
	}
	assert.Equal(t, 4*time.Second, m.Take(r, 1, "ann"))
	assert.Equal(t, 8*time.Second, m.Take(r, 2, "ann"), "what was refused does not count")
	assert.Zero(t, m.Take(r, 2, "bob"), "each has a ration of their own")
	assert.Equal(t, 4*time.Second, m.Take(r, 1, "bob", "ann"), "and one of all waits for the last")
	now = now.Add(4 * time.Second)
	assert.Zero(t, m.Take(r, 1, "ann"))
	assert.Positive(t, m.Take(r, 1, "ann"))

	assert.Positive(t, m.Take(r, 1, provider.Everybody), "ann is one of all")
	now = now.Add(time.Minute)
	assert.Zero(t, m.Take(r, 9, "ann"), "nobody is written to never")
	now = now.Add(12 * time.Second)
	assert.Zero(t, m.Take(r, 2, provider.Everybody))
	assert.Zero(t, m.Take(r, 1, "carl"), "somebody new has got what everybody got")
	assert.Positive(t, m.Take(r, 1, "carl"))
	assert.Positive(t, m.Take(r, 2, provider.Everybody))

	var none *provider.Meter
	assert.Zero(t, none.Take(r, 100, "ann"))
}

// TestMeterForgets those of whom nothing counts any more, and nobody else.
func TestMeterForgets(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	m := provider.NewMeter(func() time.Time { return now })
	r := provider.Ration{Burst: 1, Interval: time.Second}
	for i := range 5000 {
		now = now.Add(time.Millisecond)
		assert.Zero(t, m.Take(r, 1, fmt.Sprint("person ", i)))
	}
	for i := range 900 {
		assert.Positive(t, m.Take(r, 1, fmt.Sprint("person ", 4999-i)))
	}
}
