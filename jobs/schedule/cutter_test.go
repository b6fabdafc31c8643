package schedule_test

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// cutter kills its process at a command, before or after execution, when left has reached zero; a negative left
// disables it.
type cutter struct {
	left  int
	after bool
	dead  bool
}

func (c *cutter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *cutter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		return c.pass(func() error { return next(ctx, cmd) }, func() { cmd.SetErr(errKilled) })
	}
}

func (c *cutter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		return c.pass(func() error { return next(ctx, cmds) }, func() {
			for _, cmd := range cmds {
				cmd.SetErr(errKilled)
			}
		})
	}
}

func (c *cutter) pass(send func() error, fail func()) error {
	if !c.dead && c.left != 0 {
		c.left--
		return send()
	}
	if !c.dead && c.after {
		_ = send()
	}
	c.dead = true
	fail()
	return errKilled
}
