// Package listen keeps the connections open over which vendors send their events
// when they cannot call us.
//
// What an adapter opens is a [provider.Listener]'s business, and so is what comes
// over it. Here is what all of them need: which connections there have to be, one
// for each app however many agents use it; a new one before the vendor ends the old
// one, and after a cut with a growing pause; and the way of an event, which is that
// of a webhook: parsed, on disk, and only then acknowledged.
//
//	listen.go  the runner, which follows the configuration
//	line.go    one connection, kept open
//	take.go    the way of an event
//	lease.go   which node it is that listens
package listen
