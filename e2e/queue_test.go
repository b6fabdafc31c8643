package e2e

// queue is where jobs wait.
type queue string

const (
	embedded  queue = "embedded" // in the worker's process
	realRedis queue = "redis"
)

func bothQueues() []queue { return []queue{embedded, realRedis} }
