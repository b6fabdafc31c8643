package proctest

import "os"

// Soak reports whether long tests run at their full length, as `make soak` does. `make test` runs a short version of each.
func Soak() bool { return os.Getenv("MIXDUCK_SOAK") != "" }
