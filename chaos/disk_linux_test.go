package chaos_test

import (
	"syscall"
	"unsafe"
)

// canFill tells whether the disk can be made full here.
const canFill = true

// setFileLimit bounds how large a file the process may write, and lifts that
// again. Like a full disk it makes writes fail; unlike one it needs no rights and
// ends when we like. The program sees EFBIG, for Go takes no notice of SIGXFSZ.
func setFileLimit(pid int, limit uint64) error {
	var old syscall.Rlimit
	if err := prlimit(pid, nil, &old); err != nil {
		return err
	}
	return prlimit(pid, &syscall.Rlimit{Cur: min(limit, old.Max), Max: old.Max}, nil)
}

func prlimit(pid int, set, get *syscall.Rlimit) error {
	_, _, e := syscall.RawSyscall6(
		syscall.SYS_PRLIMIT64, uintptr(pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(get)), 0, 0,
	)
	if e != 0 {
		return e
	}
	return nil
}
