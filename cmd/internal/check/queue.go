package check

import (
	"context"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"mixduck/cmd/internal/connect"
	"mixduck/internal/fault"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/queue"
)

// Redis checks that a Redis server keeps what a queue stores.
func Redis(ctx context.Context, rdb *redis.Client) Result {
	const name = "redis"
	problems, err := connect.Problems(ctx, rdb)
	if err != nil {
		return Fail(name, err)
	}
	var texts []string
	fatal := false
	for _, p := range problems {
		texts = append(texts, p.Text)
		fatal = fatal || p.Fatal || p.Kind == connect.ProblemRole
	}
	text := strings.Join(texts, "; ")
	switch {
	case fatal:
		return Fail(name, fault.New(fault.CodeFailed, "change the settings of the Redis server", "%s", text))
	case text != "":
		return Warn(name, "change the settings of the Redis server", "%s", text)
	}
	return Good(name, "evicts nothing and has an append-only file")
}

// Workers checks that workers run and serve all known volumes.
func Workers(ctx context.Context, q *queue.Queue) ([]Result, error) {
	workers, err := q.Workers(ctx)
	if err != nil {
		return nil, err
	}
	known, err := q.KnownVolumes(ctx)
	if err != nil {
		return nil, err
	}
	if len(workers) == 0 {
		return []Result{
			Fail("workers", fault.New(fault.CodeFailed, "start one with 'worker run'", "no worker is running")),
			Skip("volumes", "", "no worker is running"),
		}, nil
	}
	served := jobs.Volumes(workers, jobs.KindFetch)
	all := []Result{Good("workers", "%s running", wording.Counted(int64(len(workers)), "worker"))}
	missing := slices.DeleteFunc(known, func(v string) bool { return slices.Contains(served, v) })
	if len(missing) > 0 {
		return append(all, Warn("volumes", "start a worker that has them in --volumes", "no worker serves %s", strings.Join(missing, ", "))), nil
	}
	return append(all, Good("volumes", "%s", strings.Join(served, ", "))), nil
}
