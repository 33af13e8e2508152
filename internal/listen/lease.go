package listen

import "context"

// Lease decides which of several nodes listens. Vendors give each event to one
// connection alone, and it is the same to them which; so one node at a time is
// enough, and with more each would have to be ready for all.
type Lease interface {
	// Hold waits until this node may listen, and returns a context that is done when
	// it may no longer, or ctx is, and a function that lets others.
	Hold(ctx context.Context, key string) (held context.Context, release func(), err error)
}

// Alone is the lease of a program that has its database to itself. A second node
// on one database needs a lease in that database; this is its place.
type Alone struct{}

var _ Lease = Alone{}

// Hold implements Lease.
func (Alone) Hold(ctx context.Context, _ string) (context.Context, func(), error) {
	held, release := context.WithCancel(ctx)
	return held, release, nil
}
