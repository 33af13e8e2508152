package provider

import (
	"context"

	"github.com/human-handoff/handoff/internal/handoff"
)

// Locator is an [Adapter] of a vendor whose webhooks tell of a file by an id alone:
// its Parse returns files with a VendorID, and their addresses are asked for when
// they are fetched.
type Locator interface {
	// Locate returns the file with its address, the headers that it takes, and what
	// else the vendor tells of it. The address has to be at a host of the vendor's,
	// for the headers go there. [ClassRejected] means that there is no such file.
	Locate(ctx context.Context, f handoff.RemoteFile) (handoff.RemoteFile, error)
}

// Locate implements [Locator].
func (c *Conn) Locate(ctx context.Context, f handoff.RemoteFile) (located handoff.RemoteFile, err error) {
	l, ok := c.adapter.(Locator)
	if !ok {
		return located, Errorf(ClassRejected, "this provider does not tell where its files are")
	}
	err = c.call(ctx, "locate", Call{}, func(ctx context.Context) (err error) {
		located, err = l.Locate(ctx, f)
		return err
	})
	return located, err
}
