package cage

// The lists of system calls, for tests.
var (
	AllowedCalls = allowedCalls
	RefusedCalls = refusedCalls
)
