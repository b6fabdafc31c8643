package queue

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// receive returns the file of r's result, as sent by workers of its volume. It returns when the first window has
// arrived.
func (q *Queue) receive(ctx context.Context, r jobs.Record) (io.ReadCloser, error) {
	ctx, stop := context.WithCancel(ctx)
	i := &incoming{
		q: q, job: r.ID, size: r.Result.Bytes, windows: make(chan [][]byte), stop: stop,
		ask: lanes.Ask{Stream: rand.Text(), Database: r.Database, File: r.Result.File},
	}
	i.receiving.Go(func() {
		defer close(i.windows)
		if i.failed = i.receive(ctx); i.failed != nil {
			i.release(context.WithoutCancel(ctx), i.ask.From, i.ask.From+lanes.RelayWindow)
		}
	})
	var open bool
	if i.rest, open = <-i.windows; !open && i.failed != nil {
		i.stop()
		return nil, i.failed
	}
	return i, nil
}

// incoming is the receiving end of a relay. A goroutine fetches one window while the previous one is read. A reader
// that pauses, however long, has nothing in Redis and requests nothing.
type incoming struct {
	q         *Queue
	job       string
	ask       lanes.Ask
	size      int64 // of the file, from the job's record
	windows   chan [][]byte
	stop      context.CancelFunc
	receiving sync.WaitGroup
	failed    error // why receive ended; readable once windows is closed

	rest   [][]byte
	closed bool
}

// Read returns io.EOF only at the end of the file.
func (i *incoming) Read(p []byte) (int, error) {
	if i.closed {
		return 0, fs.ErrClosed
	}
	for len(i.rest) == 0 {
		var open bool
		if i.rest, open = <-i.windows; !open {
			if i.failed != nil {
				return 0, i.failed
			}
			return 0, io.EOF
		}
	}
	n := copy(p, i.rest[0])
	if i.rest[0] = i.rest[0][n:]; len(i.rest[0]) == 0 {
		i.rest = i.rest[1:]
	}
	return n, nil
}

// Close ends the relay. Chunks still in Redis expire within [lanes.RelayLasts].
func (i *incoming) Close() error {
	i.closed = true
	i.stop()
	i.receiving.Wait()
	return nil
}

// receive fetches all windows in order.
func (i *incoming) receive(ctx context.Context) error {
	for from, end := int64(0), lanes.ChunksOf(i.size); from < end; from += lanes.RelayWindow {
		window, err := i.window(ctx, from, min(from+lanes.RelayWindow, end))
		if err != nil {
			return err
		}
		select {
		case i.windows <- window:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// window fetches the chunks from..end-1. It repeats requests for missing chunks until none has arrived for as long as
// the queue's patience.
func (i *incoming) window(ctx context.Context, from, end int64) ([][]byte, error) {
	var got [][]byte
	var asked time.Time
	heard, pause := time.Now(), lanes.RelayQuick
	tick := time.NewTimer(0)
	defer tick.Stop()
	for from < end {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
		var outage error
		if time.Since(asked) >= i.q.e.Relay.Again {
			i.ask.From, asked = from, time.Now()
			outage = i.q.e.PutAsk(ctx, i.ask)
		}
		values, err := i.take(ctx, from, min(from+lanes.RelayMget, end))
		if err != nil {
			outage = err
		}
		chunks, err := i.check(from, values)
		if err != nil {
			return nil, err
		}
		switch got = append(got, chunks...); {
		case len(chunks) > 0:
			from += int64(len(chunks))
			heard, asked, pause = time.Now(), time.Now(), 0
		default:
			if err := i.given(ctx, heard, outage, from); err != nil {
				return nil, err
			}
			pause = min(max(2*pause, lanes.RelayQuick), lanes.RelayPatient)
		}
		tick.Reset(pause)
	}
	i.release(ctx, end-int64(len(got)), end)
	return got, nil
}

// take returns the values of the chunks from..end-1, nil for missing ones. It deletes nothing, so it can be repeated.
func (i *incoming) take(ctx context.Context, from, end int64) ([]any, error) {
	var keys []string
	for n := from; n < end; n++ {
		keys = append(keys, lanes.ChunkKey(i.ask.Stream, n))
	}
	values, err := i.q.e.Redis.MGet(ctx, keys...).Result()
	if err != nil {
		return nil, fmt.Errorf("receive the result of job %s: %w", i.job, err)
	}
	return values, nil
}

// check returns the bodies of the leading chunks in values.
func (i *incoming) check(from int64, values []any) (bodies [][]byte, err error) {
	for n, value := range values {
		text, ok := value.(string)
		if !ok {
			break
		}
		number := from + int64(n)
		c, err := lanes.DecodeChunk(i.ask.Stream, number, []byte(text))
		switch {
		case err != nil:
			return nil, i.broken(number, err.Error())
		case c.Kind == lanes.ChunkGone:
			return nil, fault.New(fault.CodeNotFound, "run the query again", "the file of the result of job %s is gone: %s", i.job, c.Body)
		case c.Kind == lanes.ChunkFailed:
			return nil, i.broken(number, "the worker cannot read its file: "+string(c.Body))
		case c.Size != i.size:
			return nil, i.broken(number, fmt.Sprintf("its file has %d bytes", c.Size))
		case int64(len(c.Body)) != lanes.ChunkBytes(i.size, number):
			return nil, i.broken(number, lanes.ErrTornChunk.Error())
		}
		bodies = append(bodies, c.Body)
	}
	return bodies, nil
}

// given returns an error if it is pointless to keep waiting for chunk n, otherwise nil. The last chunk arrived at
// heard.
func (i *incoming) given(ctx context.Context, heard time.Time, outage error, n int64) error {
	silent := time.Since(heard)
	switch {
	case silent > i.q.e.Relay.Patience && outage != nil:
		return i.broken(n, outage.Error())
	case silent > i.q.e.Relay.Patience:
		return i.broken(n, "no worker has sent it for "+i.q.e.Relay.Patience.String())
	case silent > i.q.e.Relay.Unserved && outage == nil && !i.served(ctx):
		return i.broken(n, "no worker of volume "+jobs.VolumeOf(i.ask.Database)+" runs")
	}
	return nil
}

// served reports whether a worker of the volume seems to be alive.
func (i *incoming) served(ctx context.Context) bool {
	workers, err := i.q.e.Workers(ctx)
	return err != nil || jobs.Serves(workers, i.ask.Database, jobs.KindQuery)
}

// broken returns the error of a relay that ended before chunk n.
func (i *incoming) broken(n int64, why string) error {
	return fault.New(fault.CodeFailed, "read it again: enqueue jobs result "+i.job,
		"the result of job %s ended after %d of %d bytes: %s", i.job, min(n*lanes.RelayChunk, i.size), i.size, why)
}

// release deletes the chunks from..end-1 and the last request. If that fails, they expire within [lanes.RelayLasts].
func (i *incoming) release(ctx context.Context, from, end int64) {
	ctx, stop := context.WithTimeout(ctx, lanes.ReleaseTime)
	defer stop()
	var keys []string
	for n := from; n < end; n++ {
		keys = append(keys, lanes.ChunkKey(i.ask.Stream, n))
	}
	_, _ = i.q.e.Redis.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		i.q.e.DropAsk(ctx, pipe, i.ask)
		pipe.Del(ctx, keys...)
		pipe.ZRem(ctx, lanes.StreamsKey, i.ask.Stream)
		return nil
	})
}
