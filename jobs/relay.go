package jobs

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"mixduck/internal/fault"
)

// A result in a file comes to those who do not see the volume through Redis, a few chunks ahead of its reader. What is
// lost on the way is an error to the reader, who may ask again: nothing is tried twice.

// relayType is the type of the Asynq tasks that ask for a file.
const relayType = "relay:v1"

// parcel is the body of such a task.
type parcel struct {
	Database string `json:"database"` // of which the result is
	File     string `json:"file"`     // inside the volume
	Stream   string `json:"stream"`   // names the keys through which it goes
}

const (
	relayChunk  = 256 << 10
	relayAhead  = 16 // chunks that wait to be read
	relayPoll   = 5 * time.Millisecond
	relayTime   = 30 * time.Second // without a sign of the other side
	relayAtMost = 24 * time.Hour
)

// Chunks begin with a byte that says what they are.
const (
	chunkData = 'd'
	chunkEnd  = 'e'
	chunkFail = 'f' // followed by the reason
)

func relayKey(stream string) string { return "mixduck:{relay:" + stream + "}" }

// relay asks a worker of the volume for the file of r's result and returns what it sends.
func (q *Queue) relay(ctx context.Context, r Record) (io.ReadCloser, error) {
	p := parcel{Database: r.Database, File: r.Result.File, Stream: rand.Text()}
	body, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode the request for a result: %w", err)
	}
	_, err = q.client.EnqueueContext(ctx, asynq.NewTask(relayType, body), asynq.Queue(queueName(volumeOf(r.Database), KindQuery, "")),
		asynq.MaxRetry(0), asynq.Timeout(relayAtMost))
	if err != nil {
		return nil, fmt.Errorf("ask for the result of job %s: %w", r.ID, err)
	}
	return &incoming{ctx: ctx, rdb: q.rdb, key: relayKey(p.Stream)}, nil
}

// incoming is the receiving end of a relay.
type incoming struct {
	ctx  context.Context //nolint:containedctx // that of the request, for an io.Reader
	rdb  redis.UniversalClient
	key  string
	rest []byte
	err  error
}

// Read waits for the next chunk.
func (i *incoming) Read(p []byte) (int, error) {
	for len(i.rest) == 0 {
		if i.err == nil {
			i.rest, i.err = i.next()
		}
		if i.err != nil {
			return 0, i.err
		}
	}
	n := copy(p, i.rest)
	i.rest = i.rest[n:]
	return n, nil
}

func (i *incoming) next() ([]byte, error) {
	tick := time.NewTicker(relayPoll)
	defer tick.Stop()
	late := time.NewTimer(relayTime)
	defer late.Stop()
	for {
		chunk, err := i.rdb.LPop(i.ctx, i.key).Bytes()
		switch {
		case errors.Is(err, redis.Nil):
		case err != nil:
			return nil, fmt.Errorf("receive the result: %w", err)
		case len(chunk) > 0 && chunk[0] == chunkData:
			return chunk[1:], nil
		case len(chunk) > 0 && chunk[0] == chunkFail:
			return nil, fault.New(fault.CodeNotFound, "ask the question again: results are deleted when their retention ends", "the worker has no result: %s", chunk[1:])
		default:
			return nil, io.EOF
		}
		select {
		case <-tick.C:
		case <-late.C:
			return nil, fault.New(fault.CodeFailed, "see that a worker of the database's volume runs, and ask again", "no worker sends the result")
		case <-i.ctx.Done():
			return nil, context.Cause(i.ctx)
		}
	}
}

// Close ends the reading. The sender notices when nobody takes its chunks for [relayTime].
func (i *incoming) Close() error {
	i.rest, i.err = nil, fs.ErrClosed
	return nil
}

// sendFile answers a task that asks for a file, until the worker is told to stop.
func (w *Worker) sendFile(ctx context.Context, task *asynq.Task) error {
	var p parcel
	if err := json.Unmarshal(task.Payload(), &p); err != nil || p.Stream == "" {
		w.log.Error("task is none of ours", slog.String("kind", task.Type()), slog.Any("err", err))
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-w.desk.closed:
			cancel()
		case <-ctx.Done():
		}
	}()
	out := outgoing{rdb: w.q.rdb, key: relayKey(p.Stream)}
	err := out.file(ctx, func() (io.ReadCloser, error) { return w.cfg.OpenResult(p.Database, p.File) })
	if err != nil {
		w.log.Warn("result was not sent", slog.String("database", p.Database), slog.Any("err", err))
	}
	return nil
}

// outgoing is the sending end of a relay.
type outgoing struct {
	rdb redis.UniversalClient
	key string
}

// file sends what open returns, or why it cannot be had.
func (o outgoing) file(ctx context.Context, open func() (io.ReadCloser, error)) error {
	f, err := open()
	if err == nil {
		defer f.Close()
		err = o.chunks(ctx, f)
	}
	last := []byte{chunkEnd}
	if err != nil {
		last = append([]byte{chunkFail}, oneLine(err.Error())...)
	}
	own, stop := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer stop()
	return errors.Join(err, o.push(own, last))
}

func (o outgoing) chunks(ctx context.Context, r io.Reader) error {
	buf := make([]byte, 1+relayChunk)
	buf[0] = chunkData
	for {
		n, err := io.ReadFull(r, buf[1:])
		if n > 0 {
			if err := o.room(ctx); err != nil {
				return err
			}
			if err := o.push(ctx, buf[:1+n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// errNobodyReads ends a relay whose reader has gone.
var errNobodyReads = errors.New("nobody takes the result")

// room waits until the reader is less than [relayAhead] chunks behind.
func (o outgoing) room(ctx context.Context) error {
	tick := time.NewTicker(relayPoll)
	defer tick.Stop()
	late := time.NewTimer(relayTime)
	defer late.Stop()
	for {
		n, err := o.rdb.LLen(ctx, o.key).Result()
		if err != nil || n < relayAhead {
			return err
		}
		select {
		case <-tick.C:
		case <-late.C:
			return errNobodyReads
		case <-ctx.Done():
			return errDraining
		}
	}
}

// push sends a chunk. What nobody takes goes by itself.
func (o outgoing) push(ctx context.Context, chunk []byte) error {
	pipe := o.rdb.TxPipeline()
	pipe.RPush(ctx, o.key, chunk)
	pipe.Expire(ctx, o.key, 2*relayTime)
	_, err := pipe.Exec(ctx)
	return err
}
