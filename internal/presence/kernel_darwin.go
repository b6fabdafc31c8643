package presence

import "golang.org/x/sys/unix"

// kernel identifies the running kernel until the next boot. It is "" if unknown.
func kernel() string {
	id, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return id
}
