package worker

import (
	"context"
	"time"

	"github.com/hibiken/asynq"

	"mixduck/jobs/internal/lanes"
)

// serve starts one server for jobs that write and one for jobs that only read, so neither takes the other's slots. It
// returns the running servers, also with an error.
func (w *Worker) serve(attempts context.Context) (running []*asynq.Server, err error) {
	for _, class := range []struct {
		writes      bool
		concurrency int
	}{{true, w.cfg.Concurrency}, {false, w.cfg.Queries}} {
		queues := w.queues(class.writes)
		if len(queues) == 0 {
			continue
		}
		free := make(slots, class.concurrency)
		server := asynq.NewServerFromRedisClient(w.e.Redis, w.serverConfig(queues, class.concurrency))
		err := server.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
			// Not with Asynq's context: that ends with Asynq's lease, when Redis is unreachable for half a minute.
			return w.process(attempts, task, free)
		}))
		if err != nil {
			return running, err
		}
		running = append(running, server)
	}
	return running, nil
}

// queues returns the Asynq queues of the kinds that the worker has handlers for, with their weights.
func (w *Worker) queues(writes bool) map[string]int {
	queues := make(map[string]int)
	for _, volume := range w.cfg.Volumes {
		for kind := range w.handlers {
			if kind.Writes() != writes {
				continue
			}
			for priority, weight := range lanes.PriorityWeights() {
				queues[lanes.QueueName(volume.Name, kind, priority)] = weight
			}
		}
	}
	return queues
}

func (w *Worker) serverConfig(queues map[string]int, concurrency int) asynq.Config {
	return asynq.Config{
		Concurrency:       concurrency,
		Queues:            queues,
		TaskCheckInterval: taskCheckEvery,
		// Tasks come back only from dead processes. They never count as failures; otherwise Asynq would archive them.
		IsFailure:      func(error) bool { return false },
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return time.Second },
		// The worker itself waits for its attempts. Asynq would hand over their tasks while they still run.
		ShutdownTimeout: lanes.TaskTimeout,
		Logger:          asynqLog{log: w.log, quiet: &limiter{}},
		LogLevel:        asynq.InfoLevel,
	}
}
