//go:build !race

package chaos_test

var raceFlags []string
