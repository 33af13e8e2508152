// Package providertest is the suite that every provider has to pass.
//
// A provider brings a [Harness]: its kind, and the traits of its vendor, above
// all an emulator. The suite drives the adapter as the program does, through a
// provider.Conn, the guarded HTTP client and the webhook route, and asks the
// emulator what came of it. What a vendor cannot do is declared, by capabilities
// and traits, and is checked in the way in which it is done without: no case is
// left out. [RunAll] prints a table of the cases and the providers.
//
//	suite.go     the list of cases; harness and runs
//	env.go       a vendor with a connection to it; the check that nothing secret leaks
//	chat.go      the switchboard before a chat app, without which it names no sessions
//	outbound.go  credentials, start, messages, close
//	people.go    customers and sessions that must not be mixed up
//	repeat.go    calls whose answer was lost
//	human.go     what humans do at the desk
//	passing.go   files and signals, both ways
//	inbound.go   webhooks: repeated, late, forged, odd
//	failure.go   what the vendor's failures are taken for
//	builtin.go   what holds for a desk that is part of this program
//	table.go     the table
package providertest
