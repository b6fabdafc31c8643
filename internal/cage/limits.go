package cage

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// marker is the environment variable of a process that has been locked in.
const marker = "MIXDUCK_CAGED"

// setLimits sets the limits of cfg; mapped is how much memory the process has mapped already.
func setLimits(cfg Config, mapped int64) error {
	limits := map[int]int64{unix.RLIMIT_CORE: 0}
	if cfg.Memory > 0 && memoryIsLimited {
		limits[unix.RLIMIT_AS] = mapped + cfg.Memory
	}
	if cfg.FileBytes > 0 {
		limits[unix.RLIMIT_FSIZE] = cfg.FileBytes
	}
	if cfg.OpenFiles > 0 {
		limits[unix.RLIMIT_NOFILE] = cfg.OpenFiles
	}
	for resource, value := range limits {
		if err := setLimit(resource, uint64(value)); err != nil {
			return fmt.Errorf("rlimit %d: %w", resource, err)
		}
	}
	return nil
}

// setLimit lowers a limit; one that is lower already stays.
func setLimit(resource int, value uint64) error {
	var old unix.Rlimit
	if err := unix.Getrlimit(resource, &old); err != nil {
		return err
	}
	value = min(value, old.Max)
	return unix.Setrlimit(resource, &unix.Rlimit{Cur: value, Max: value})
}
