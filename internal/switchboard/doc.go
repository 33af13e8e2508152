// Package switchboard connects the humans of a desk that is a chat app with their
// sessions, which all share one line of messages there.
//
// It gives each session a seat: a tag that stands in every message about it, and
// the human who took it. What a human says is routed by package
// provider/messenger, which is pure; this package keeps what that needs, carries
// out what it decides, and tells the humans. What nobody can tell whom it is for
// is held until its author says so, ten minutes at most.
//
//	switchboard.go  what humans say, and what becomes of it
//	orders.go       what they order
//	sender.go       calls to the vendor, with the session's seat
//	history.go      what was said in a session, for a human who takes it
//	notices.go      what humans are told, and what was held too long
//	store.go        what is kept
package switchboard
