// Package handoff is the domain: what a handoff is and how it lives.
//
// A session is a small state machine whose log of events is the product. Every
// change is a command on a [Session] that records events, deliveries and keys;
// a [Store] writes all of them in one transaction. Everything that is seen is a
// read of that log ([Service.Tail]), and everything that goes to a provider is a
// delivery written together with the event that caused it.
//
//	session.go   the aggregate and its transitions, pure functions of command and time
//	inbound.go   what providers tell us, as commands on the aggregate
//	event.go     what the log holds
//	message.go   messages, turns and customers
//	file.go      files of messages, and what their content waits for
//	degrade.go   what a provider cannot carry, as text
//	signal.go    typing and read, which pass and are not kept
//	delivery.go  what has to reach the provider
//	ledger.go    what became of deliveries; sending failed ones again
//	settings.go  what an agent is configured with
//	timer.go     time-outs, armed and disarmed by what happens in a session
//	decline.go   why a handoff is refused, and what to tell the customer
//	service.go   the use cases; tail.go the stream of a session's log
//	store.go     the ports that the use cases need
//
// The package imports nothing but the standard library and calls no provider:
// package dispatch takes the deliveries to them.
package handoff
