package worker

import (
	"context"
	"time"

	"github.com/hibiken/asynq"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// class is a set of kinds of work that share slots of a worker.
type class struct {
	has         func(work jobs.Kind) bool
	concurrency int
	checkEvery  time.Duration // how soon an idle worker sees a new turn
}

// classes returns the classes of work: jobs that write, queries of databases, and questions to Mixpanel, which can take
// minutes to answer. None takes the slots of another.
func (w *Worker) classes() []class {
	only := func(work jobs.Kind) func(jobs.Kind) bool { return func(k jobs.Kind) bool { return k == work } }
	return []class{
		{jobs.Kind.Writes, w.cfg.Concurrency, taskCheckEvery},
		{only(jobs.KindQuery), w.cfg.Queries, taskCheckEvery},
		{only(jobs.KindAsk), w.cfg.Queries, askCheckEvery},
	}
}

// serve starts one server for each class of work. It returns the running servers, also with an error.
func (w *Worker) serve(attempts context.Context) (running []*asynq.Server, err error) {
	for _, c := range w.classes() {
		queues := w.queues(c.has)
		if len(queues) == 0 {
			continue
		}
		free := make(slots, c.concurrency)
		server := asynq.NewServerFromRedisClient(w.e.Redis, w.serverConfig(queues, c))
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

// queues returns the Asynq queues of those kinds of work that the worker has handlers for, with their weights.
func (w *Worker) queues(of func(work jobs.Kind) bool) map[string]int {
	queues := make(map[string]int)
	for _, volume := range w.cfg.Volumes {
		for kind := range w.handlers {
			if !of(kind) {
				continue
			}
			for priority, weight := range lanes.PriorityWeights() {
				queues[lanes.QueueName(volume.Name, kind, priority)] = weight
			}
		}
	}
	return queues
}

func (w *Worker) serverConfig(queues map[string]int, c class) asynq.Config {
	return asynq.Config{
		Concurrency:       c.concurrency,
		Queues:            queues,
		TaskCheckInterval: c.checkEvery,
		// Tasks come back only from dead processes. They never count as failures; otherwise Asynq would archive them.
		IsFailure:      func(error) bool { return false },
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return time.Second },
		// The worker itself waits for its attempts. Asynq would hand over their tasks while they still run.
		ShutdownTimeout: lanes.TaskTimeout,
		Logger:          asynqLog{log: w.log, quiet: &limiter{}},
		LogLevel:        asynq.InfoLevel,
	}
}
