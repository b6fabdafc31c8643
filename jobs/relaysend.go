package jobs

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"sync"
	"time"
)

// relays answers readers who ask for results in files, until ctx is done. It has no part in the slots of queries.
func (w *Worker) relays(ctx context.Context) {
	var sending sync.WaitGroup
	defer sending.Wait()
	free := make(chan struct{}, relaySends)
	pause := relayIdle
	tick := time.NewTimer(0)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		asks, err := w.q.takeAsks(ctx, w.cfg.Volumes)
		switch {
		case err != nil && ctx.Err() == nil:
			w.troubled(w.log, err)
			pause = sweepEvery
		case len(asks) > 0:
			pause = relayQuick
		default:
			pause = min(2*pause, relayIdle)
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

// answer stores the window that a reader has asked for, or why it cannot. If Redis fails, or holds enough for other
// readers, it does nothing: the reader asks again.
func (w *Worker) answer(ctx context.Context, a ask) {
	log := w.log.With(slog.String("database", a.Database))
	ok, err := w.q.admit(ctx, a.Stream)
	if err == nil && ok {
		err = w.q.send(ctx, a, func() (io.ReadSeekCloser, error) { return w.cfg.OpenResult(a.Database, a.File) })
	}
	if err != nil && ctx.Err() == nil {
		log.Warn("result was not sent", slog.Any("err", err))
	}
}

// admit reports whether chunks of the stream may be stored.
func (q *Queue) admit(ctx context.Context, stream string) (bool, error) {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	now := q.now()
	n, err := q.scripts.admit.Run(ctx, q.rdb, []string{streamsKey}, stream, now.UnixMilli(), now.Add(relayLasts).UnixMilli(), q.relay.streams).Int()
	return n == 1, err
}

// send stores the chunks of a window of the file that open returns.
func (q *Queue) send(ctx context.Context, a ask, open func() (io.ReadSeekCloser, error)) error {
	f, err := open()
	if err != nil {
		return errors.Join(err, q.sendWhy(ctx, a, a.From, err))
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = f.Seek(a.From*relayChunk, io.SeekStart)
	}
	if err != nil {
		return errors.Join(err, q.sendWhy(ctx, a, a.From, err))
	}
	if a.From >= chunksOf(size) { // the file is shorter than the reader thinks
		return q.sendChunk(ctx, a, chunk{kind: chunkData, number: a.From, size: size})
	}
	for n := a.From; n < min(a.From+relayWindow, chunksOf(size)); n++ {
		body := make([]byte, chunkBytes(size, n))
		if _, err := io.ReadFull(f, body); err != nil {
			return errors.Join(err, q.sendWhy(ctx, a, n, err))
		}
		if err := q.sendChunk(ctx, a, chunk{kind: chunkData, number: n, size: size, body: body}); err != nil {
			return err
		}
	}
	return nil
}

// sendWhy stores why chunk n cannot be sent.
func (q *Queue) sendWhy(ctx context.Context, a ask, n int64, why error) error {
	c := chunk{kind: chunkFailed, number: n, body: []byte(oneLine(why.Error()))}
	if errors.Is(why, fs.ErrNotExist) {
		c.kind = chunkGone
	}
	return q.sendChunk(ctx, a, c)
}

func (q *Queue) sendChunk(ctx context.Context, a ask, c chunk) error {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	return q.rdb.Set(ctx, chunkKey(a.Stream, c.number), c.encode(a.Stream), relayLasts).Err()
}
