package presence

import (
	"bytes"
	"os"
)

// kernel identifies the running kernel until the next boot, also within containers. It is "" if unknown.
func kernel() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(id))
}
