//go:build race

package chaos_test

// raceFlags makes the binary under test look for races when the tests do.
var raceFlags = []string{"-race"}
