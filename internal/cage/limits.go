package cage

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// marker is an environment variable of locked-in processes.
const marker = "MIXDUCK_CAGED"

// setLimits sets the limits of cfg; mapped is the memory that the process has already mapped.
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

// setLimit lowers a limit. It does not change one that is already lower.
func setLimit(resource int, value uint64) error {
	var old unix.Rlimit
	if err := unix.Getrlimit(resource, &old); err != nil {
		return err
	}
	value = min(value, old.Max)
	return unix.Setrlimit(resource, &unix.Rlimit{Cur: value, Max: value})
}
