package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/human-handoff/handoff/internal/handoff"
)

// Disk keeps contents in a folder of this machine, for one server. Each is
// written under a temporary name, flushed and renamed.
type Disk struct{ root string }

var _ Store = (*Disk)(nil)

const tempFolder = "incoming"

// NewDisk returns a store in a folder, which is made when something is first put
// into it. What a crash has left half-written is deleted.
func NewDisk(folder string) (*Disk, error) {
	d := &Disk{root: folder}
	if info, err := os.Stat(folder); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s is not a folder", folder)
	}
	left, err := os.ReadDir(filepath.Join(folder, tempFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, entry := range left {
		if err := os.Remove(filepath.Join(folder, tempFolder, entry.Name())); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// path returns where a content lies. Folders keep each other small; the end of an
// id is random.
func (d *Disk) path(key string) string {
	return filepath.Join(d.root, key[max(0, len(key)-2):], key)
}

// Put implements Store.
func (d *Disk) Put(_ context.Context, key string, content io.Reader, size int64) (err error) {
	if !filepath.IsLocal(key) || filepath.Base(key) != key {
		return fmt.Errorf("%q is no key", key)
	}
	temp := filepath.Join(d.root, tempFolder)
	if err := os.MkdirAll(temp, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(temp, key+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // what is left after a failure here goes at the next start
		}
	}()
	n, err := io.Copy(f, content)
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	folder := filepath.Dir(d.path(key))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), d.path(key)); err != nil {
		return err
	}
	return errors.Join(syncFolder(folder), syncFolder(d.root))
}

// syncFolder makes a name in a folder outlive a crash of the machine.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Open implements Store.
func (d *Disk) Open(_ context.Context, key string) (io.ReadSeekCloser, error) {
	f, err := os.Open(d.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, handoff.ErrFileNotFound
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Delete implements Store.
func (d *Disk) Delete(_ context.Context, key string) error {
	err := os.Remove(d.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
