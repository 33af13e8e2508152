//go:build !race

package hours_test

const checks = "10000"
