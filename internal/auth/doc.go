// Package auth knows who calls and what they may do.
//
//	key.go     keys: made, shown once, kept as hashes
//	token.go   session tokens: proved by a MAC, not stored
//	auth.go    Authenticate: a bearer credential becomes a Principal
//	scope.go   Authorize: a Principal may use an agent or a session, or not
//	watch.go   revoked keys are refused and their streams end
//	store.go   the port to where keys are kept
package auth
