//go:build !linux

package chaos_test

import "errors"

// canFill tells whether the disk can be made full here.
const canFill = false

func setFileLimit(int, uint64) error { return errors.ErrUnsupported }
