package embedredis_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hibiken/asynq" //nolint:depguard // the queue that this Redis is for is what it is tested with
	"github.com/redis/go-redis/v9"
)

func TestAsynq(t *testing.T) {
	t.Parallel()
	for _, way := range []way{inProcess, overSocket, protocol3} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			c, restarted := way.serve(t)
			const tasks = 50
			client := asynq.NewClientFromRedisClient(c)
			for i := range tasks {
				if _, err := client.Enqueue(asynq.NewTask("work", fmt.Append(nil, i)), asynq.Retention(time.Hour)); err != nil {
					t.Fatal(err)
				}
			}
			later := asynq.NewTask("later", nil)
			if _, err := client.Enqueue(later, asynq.ProcessIn(time.Hour), asynq.Unique(time.Hour)); err != nil {
				t.Fatal(err)
			}

			c = restarted()
			if _, err := asynq.NewClientFromRedisClient(c).Enqueue(later, asynq.Unique(time.Hour)); !errors.Is(err, asynq.ErrDuplicateTask) {
				t.Errorf("a unique task again, after a restart = %v, want %v", err, asynq.ErrDuplicateTask)
			}
			processTasks(t, c, tasks)

			c = restarted()
			info, err := asynq.NewInspectorFromRedisClient(c).GetQueueInfo("default")
			if err != nil || info.Completed != tasks || info.Scheduled != 1 || info.Archived != 1 || info.Failed != tasks/5+1 {
				t.Errorf("after a restart: %+v, %v", info, err)
			}
		})
	}
}

// processTasks runs an Asynq server until tasks have been done; every fifth fails once and is retried.
func processTasks(t *testing.T, c *redis.Client, tasks int) {
	t.Helper()
	done := make(chan string, 2*tasks)
	cancelled := make(chan struct{})
	server := asynq.NewServerFromRedisClient(c, asynq.Config{
		Concurrency:              8,
		LogLevel:                 asynq.FatalLevel,
		TaskCheckInterval:        20 * time.Millisecond,
		DelayedTaskCheckInterval: 20 * time.Millisecond,
		RetryDelayFunc:           func(int, error, *asynq.Task) time.Duration { return 10 * time.Millisecond },
	})
	mux := asynq.NewServeMux()
	mux.HandleFunc("work", func(ctx context.Context, task *asynq.Task) error {
		if n, _ := asynq.GetRetryCount(ctx); n == 0 && task.Payload()[len(task.Payload())-1]%5 == 0 {
			return errors.New("once")
		}
		done <- string(task.Payload())
		return nil
	})
	mux.HandleFunc("endless", func(ctx context.Context, _ *asynq.Task) error {
		done <- "endless"
		<-ctx.Done()
		close(cancelled)
		return fmt.Errorf("%w: %w", ctx.Err(), asynq.SkipRetry)
	})
	if err := server.Start(mux); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range tasks {
		seen[<-done] = true
	}
	if len(seen) != tasks {
		t.Errorf("%d different tasks done, want %d", len(seen), tasks)
	}
	cancelOne(t, c, done)
	<-cancelled
	server.Shutdown()
}

// cancelOne cancels a running task, which uses publish and subscribe.
func cancelOne(t *testing.T, c *redis.Client, started <-chan string) {
	t.Helper()
	info, err := asynq.NewClientFromRedisClient(c).Enqueue(asynq.NewTask("endless", nil), asynq.MaxRetry(0))
	if err != nil {
		t.Fatal(err)
	}
	<-started
	inspector := asynq.NewInspectorFromRedisClient(c)
	if err := inspector.CancelProcessing(info.ID); err != nil {
		t.Fatal(err)
	}
}
