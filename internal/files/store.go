package files

import (
	"context"
	"io"
)

// Store is where contents lie. Keys are ids of files. It is safe for concurrent use.
type Store interface {
	// Put stores what content has, which is size bytes or fails. It is complete and
	// safe once Put has answered without an error; what fails leaves nothing. It
	// needs the same memory for any size.
	Put(ctx context.Context, key string, content io.Reader, size int64) error

	// Open opens a content; handoff.ErrFileNotFound if there is none.
	Open(ctx context.Context, key string) (io.ReadSeekCloser, error)

	// Delete deletes a content; one that is not there is no error.
	Delete(ctx context.Context, key string) error
}
