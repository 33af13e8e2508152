//go:build race

package hours_test

// The race detector slows the oracle down and finds what it looks for in fewer
// runs.
const checks = "500"
