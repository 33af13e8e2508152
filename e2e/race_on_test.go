//go:build race

package e2e_test

// raceFlags makes the binaries under test look for races when the tests do.
var raceFlags = []string{"-race"}
