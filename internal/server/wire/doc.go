// Package wire converts between the domain and the API's messages, both ways.
// It is the only converter: ToX makes messages, FromX reads them.
package wire
