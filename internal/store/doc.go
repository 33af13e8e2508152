// Package store keeps sessions, agents, connections and keys in a database: it
// is the handoff.Store, dispatch.Store, agents.Store and auth.Store of the
// program, and the only package that knows ent.
//
//	open.go      Open and Close: the database file, its pragmas, its connections
//	migrate.go   brings the tables to the version that this program knows
//	writer.go    the one writer: many callers' updates in one transaction
//	write.go     what an update of a session writes
//	session.go   reads of sessions, their logs and late messages
//	delivery.go  reads of deliveries: lanes and their heads
//	ledger.go    what became of deliveries: lists, failed attempts
//	agent.go     agents and connections
//	key.go       API keys; meta.go what is noted about the database itself
//	page.go      page tokens
//	event.go     how events are kept as JSON
//	convert.go   rows to domain types and back
//	errors.go    what the database's errors mean to a caller
//
// Beside it: migrations (the SQL), plan (writes the next migrations), generate
// (writes the ent client) and storetest (the suite that a store has to pass).
//
// Reads use a pool of connections that cannot write. All writes go through one
// goroutine with one connection, which commits whatever waits for it at once: a
// commit costs one flush of the disk, however many callers share it. A method
// that writes returns after that flush.
//
// Functions that callers pass in (Update, Create, UpdateAgent, SetStatus) run
// inside that goroutine. They must be quick, do no I/O, and bear being run
// again: when one write of a shared transaction fails, all of its updates are
// undone and each is run again alone, so that nobody fails by another's fault.
package store
