package worker

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// relays serves readers of results in files until ctx is done. It does not use the slots of queries.
func (w *Worker) relays(ctx context.Context) {
	var sending sync.WaitGroup
	defer sending.Wait()
	free := make(chan struct{}, lanes.RelaySends)
	pause := lanes.RelayIdle
	tick := time.NewTimer(0)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		asks, err := w.e.TakeAsks(ctx, w.cfg.Volumes)
		switch {
		case err != nil && ctx.Err() == nil:
			w.troubled(w.log, err)
			pause = sweepEvery
		case len(asks) > 0:
			pause = lanes.RelayQuick
		default:
			pause = min(2*pause, lanes.RelayIdle)
		}
		for _, a := range asks {
			select {
			case free <- struct{}{}:
			case <-ctx.Done():
				return
			}
			sending.Go(func() {
				defer func() { <-free }()
				w.answer(ctx, a)
			})
		}
		tick.Reset(pause)
	}
}

// answer stores the requested window, or why it cannot be read. If Redis fails, or holds enough for other readers, it
// does nothing, and the reader asks again.
func (w *Worker) answer(ctx context.Context, a lanes.Ask) {
	log := w.log.With(slog.String("database", a.Database))
	ok, err := w.admit(ctx, a.Stream)
	if err == nil && ok {
		err = w.send(ctx, a, func() (io.ReadSeekCloser, error) { return w.cfg.OpenResult(a.Database, a.File) })
	}
	if err != nil && ctx.Err() == nil {
		log.Warn("result was not sent", slog.Any("err", err))
	}
}

// admit reports whether chunks of the stream may be stored.
func (w *Worker) admit(ctx context.Context, stream string) (bool, error) {
	ctx, stop := context.WithTimeout(ctx, lanes.CallTimeout)
	defer stop()
	now := w.e.Now()
	n, err := w.e.Scripts.Admit.Run(ctx, w.e.Redis, []string{lanes.StreamsKey}, stream, now.UnixMilli(), now.Add(lanes.RelayLasts).UnixMilli(), w.e.Relay.Streams).Int()
	return n == 1, err
}

// send stores the chunks of a window of the file that open returns.
func (w *Worker) send(ctx context.Context, a lanes.Ask, open func() (io.ReadSeekCloser, error)) error {
	f, err := open()
	if err != nil {
		return errors.Join(err, w.sendWhy(ctx, a, a.From, err))
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = f.Seek(a.From*lanes.RelayChunk, io.SeekStart)
	}
	if err != nil {
		return errors.Join(err, w.sendWhy(ctx, a, a.From, err))
	}
	if a.From >= lanes.ChunksOf(size) { // the file is shorter than the reader expects
		return w.sendChunk(ctx, a, lanes.Chunk{Kind: lanes.ChunkData, Number: a.From, Size: size})
	}
	for n := a.From; n < min(a.From+lanes.RelayWindow, lanes.ChunksOf(size)); n++ {
		body := make([]byte, lanes.ChunkBytes(size, n))
		if _, err := io.ReadFull(f, body); err != nil {
			return errors.Join(err, w.sendWhy(ctx, a, n, err))
		}
		if err := w.sendChunk(ctx, a, lanes.Chunk{Kind: lanes.ChunkData, Number: n, Size: size, Body: body}); err != nil {
			return err
		}
	}
	return nil
}

// sendWhy stores why chunk n cannot be sent.
func (w *Worker) sendWhy(ctx context.Context, a lanes.Ask, n int64, why error) error {
	c := lanes.Chunk{Kind: lanes.ChunkFailed, Number: n, Body: []byte(jobs.OneLine(why.Error()))}
	if errors.Is(why, fs.ErrNotExist) {
		c.Kind = lanes.ChunkGone
	}
	return w.sendChunk(ctx, a, c)
}

func (w *Worker) sendChunk(ctx context.Context, a lanes.Ask, c lanes.Chunk) error {
	ctx, stop := context.WithTimeout(ctx, lanes.CallTimeout)
	defer stop()
	return w.e.Redis.Set(ctx, lanes.ChunkKey(a.Stream, c.Number), c.Encode(a.Stream), lanes.RelayLasts).Err()
}
