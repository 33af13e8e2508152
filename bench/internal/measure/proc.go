package measure

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of /proc/PID/stat; it is 10 ms on every Linux.
const clockTick = 10 * time.Millisecond

// CPU returns the user and system time of a process so far.
func CPU(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The name in brackets may hold anything; the fields are counted after it.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * clockTick
}

// Settle waits until a process has done what it still had to do: until it takes
// next to no processor time.
func Settle(ctx context.Context, pid int, limit time.Duration) bool {
	const pause = 200 * time.Millisecond
	for end := time.Now().Add(limit); time.Now().Before(end); {
		before := CPU(pid)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pause):
		}
		if CPU(pid)-before <= clockTick {
			return true
		}
	}
	return false
}

// ResidentKiB returns the resident memory of a process.
func ResidentKiB(pid int) float64 {
	return field(fmt.Sprintf("/proc/%d/status", pid), "VmRSS:")
}

// Switches returns how often the threads of a process have gone to sleep so far:
// each time is a wake-up later.
func Switches(pid int) float64 {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	sum := 0.0
	for _, t := range threads {
		sum += field(t, "voluntary_ctxt_switches:")
	}
	return sum
}

func field(path, name string) float64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			if words := strings.Fields(rest); len(words) > 0 {
				v, _ := strconv.ParseFloat(words[0], 64)
				return v
			}
		}
	}
	return 0
}

// Machine describes where the figures come from.
func Machine() string {
	model := "unknown CPU"
	cpuinfo, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(cpuinfo)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("%d cores, %s, %s %s/%s, load average %.1f", runtime.NumCPU(), model, runtime.Version(), runtime.GOOS, runtime.GOARCH, Load())
}

// Load is the load average of the last minute: how busy others keep the machine.
func Load() float64 {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	v, _ := strconv.ParseFloat(first, 64)
	return v
}
