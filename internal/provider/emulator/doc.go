// Package emulator is what the emulators of vendors have in common.
//
// An [Emulator] is a vendor with one account, in memory: it speaks the vendor's
// API as strictly as the vendor does, shows what a human at the desk would see,
// and makes the vendor's webhooks. Tests drive it through package providertest,
// and people through `handoff emulate`, with a page on which one plays the human.
//
//	emulator.go  what an emulator is, what is seen at its desk and done there
//	traits.go    what else the suite has to know of a vendor
//	front.go     the HTTP server in front: it records calls and can be told to fail
//	sender.go    takes webhooks to a receive URL
//	page.go      the page of the human, and the same for programs
package emulator
