// Package messenger finds out which session a human means who answers in a chat
// app, where all of a human's sessions share one line of messages.
//
// Each session has a short tag, as in #H7K3, which stands in every message about
// it. A human says what they mean by a button, by quoting a message, by the tag,
// or by having one session alone. [Route] weighs these; it is pure, and it never
// guesses: what could be meant for two customers is asked back, for a wrong guess
// would tell one customer's affairs to another.
//
//	tag.go      tags: making them and reading them
//	command.go  what humans may type instead of an answer
//	route.go    whose message it is
//	notice.go   what humans are told, in English and Chinese
package messenger
