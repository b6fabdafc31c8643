package lanes

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/zeebo/xxh3"

	"mixduck/jobs"
)

// A result in a file reaches readers without the volume through Redis. The reader asks for a window of chunks by their
// numbers, any worker of the volume stores them, and the reader takes the whole window before it asks for the next one.
// Nobody waits for the reader. Each step may happen twice: asking again stores the same bytes under the same keys. A lost
// ask, answer or worker costs the time until the reader asks again.

// What bounds a relay.
const (
	RelayChunk   = 256 << 10
	RelayWindow  = 16                     // chunks that a reader asks for at once
	RelayMget    = 4                      // chunks that one command returns: its answer has to arrive within the read timeout
	RelayLasts   = 30 * time.Second       // how long Redis keeps chunks that nobody takes
	ReleaseTime  = time.Second            // to tidy up
	RelaySends   = 4                      // windows that a worker reads at the same time
	RelayQuick   = 5 * time.Millisecond   // between two looks, at first
	RelayIdle    = 100 * time.Millisecond // between two looks of a worker that is not asked
	RelayPatient = 50 * time.Millisecond  // between two looks of a reader
)

// RelayLimits are what tests change.
type RelayLimits struct {
	Streams  int           // results with chunks in Redis at the same time
	Again    time.Duration // a reader repeats an ask that nobody has answered
	Unserved time.Duration // a reader gives up if no worker serves the volume; longer than a restart takes
	Patience time.Duration // a reader gives up whatever the reason is
}

func usualRelayLimits() RelayLimits {
	return RelayLimits{Streams: 32, Again: time.Second, Unserved: 20 * time.Second, Patience: PollOutages}
}

// Ask is a reader's request for the window that begins at chunk From. Its JSON form is the member of the ZSET of asks of
// a volume, so that asking again replaces the ask.
type Ask struct {
	Stream   string `json:"stream"` // names the keys of the chunks
	Database string `json:"database"`
	File     string `json:"file"` // inside the volume
	From     int64  `json:"from"`
}

func (a Ask) encode() string {
	b, _ := json.Marshal(a) // texts and a number: it cannot fail
	return string(b)
}

func asksKey(volume string) string { return "mixduck:{relay:" + volume + "}:asks" }

// StreamsKey is a ZSET: the streams that may have chunks in Redis, by when those are gone (unix ms).
const StreamsKey = "mixduck:streams"

// ChunkKey holds chunk n of a stream.
func ChunkKey(stream string, n int64) string {
	return "mixduck:{stream:" + stream + "}:" + strconv.FormatInt(n, 10)
}

// PutAsk asks the workers of the volume for a window.
func (en *Engine) PutAsk(ctx context.Context, a Ask) error {
	key := asksKey(jobs.VolumeOf(a.Database))
	pipe := en.Redis.TxPipeline()
	pipe.ZAdd(ctx, key, redis.Z{Score: float64(en.Now().UnixMilli()), Member: a.encode()})
	pipe.Expire(ctx, key, RelayLasts)
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("ask for a result: %w", err)
	}
	return nil
}

// DropAsk takes an ask back.
func (*Engine) DropAsk(ctx context.Context, pipe redis.Pipeliner, a Ask) {
	pipe.ZRem(ctx, asksKey(jobs.VolumeOf(a.Database)), a.encode())
}

// TakeAsks takes the oldest ask of each volume. An ask whose answer from Redis is lost is lost: the reader repeats it.
func (en *Engine) TakeAsks(ctx context.Context, volumes []jobs.Volume) ([]Ask, error) {
	pipe := en.Redis.Pipeline()
	popped := make([]*redis.ZSliceCmd, len(volumes))
	for i, v := range volumes {
		popped[i] = pipe.ZPopMin(ctx, asksKey(v.Name), 1)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("take requests for results: %w", err)
	}
	var asks []Ask
	for _, cmd := range popped {
		for _, z := range cmd.Val() {
			var a Ask
			body, ok := z.Member.(string)
			if ok && json.Unmarshal([]byte(body), &a) == nil && a.Stream != "" && a.From >= 0 {
				asks = append(asks, a)
			}
		}
	}
	return asks, nil
}

// ChunkKind says what a chunk holds.
type ChunkKind byte

// The kinds of chunks.
const (
	ChunkData   ChunkKind = 'd' // bytes of the file
	ChunkGone   ChunkKind = 'g' // there is no such file; why
	ChunkFailed ChunkKind = 'f' // the file cannot be read; why
)

// Chunk is one value in Redis: kind, number and size of the whole file, a hash of all of it, and the body.
type Chunk struct {
	Kind   ChunkKind
	Number int64
	Size   int64 // of the whole file
	Body   []byte
}

const chunkHeader = 1 + 8 + 8 + 8

// ErrTornChunk says that the value of a chunk is not what was stored.
var ErrTornChunk = errors.New("a part of the result arrived damaged")

// Encode returns the value that [DecodeChunk] reads.
func (c Chunk) Encode(stream string) []byte {
	b := make([]byte, chunkHeader, chunkHeader+len(c.Body))
	b[0] = byte(c.Kind)
	binary.BigEndian.PutUint64(b[1:], uint64(c.Number))
	binary.BigEndian.PutUint64(b[9:], uint64(c.Size))
	binary.BigEndian.PutUint64(b[17:], chunkSum(stream, b[:17], c.Body))
	return append(b, c.Body...)
}

// DecodeChunk returns chunk number n of stream, or errTornChunk if b is anything else.
func DecodeChunk(stream string, n int64, b []byte) (Chunk, error) {
	if len(b) < chunkHeader || binary.BigEndian.Uint64(b[17:]) != chunkSum(stream, b[:17], b[chunkHeader:]) {
		return Chunk{}, ErrTornChunk
	}
	c := Chunk{
		Kind: ChunkKind(b[0]), Number: int64(binary.BigEndian.Uint64(b[1:])), Size: int64(binary.BigEndian.Uint64(b[9:])),
		Body: b[chunkHeader:],
	}
	if c.Number != n {
		return Chunk{}, ErrTornChunk
	}
	return c, nil
}

func chunkSum(stream string, head, body []byte) uint64 {
	h := xxh3.New()
	_, _ = h.WriteString(stream) // a hash takes everything
	_, _ = h.Write(head)
	_, _ = h.Write(body)
	return h.Sum64()
}

// ChunksOf returns how many chunks a file of that size has.
func ChunksOf(size int64) int64 { return (size + RelayChunk - 1) / RelayChunk }

// ChunkBytes returns how many bytes chunk n of a file of that size has.
func ChunkBytes(size, n int64) int64 { return max(0, min(RelayChunk, size-n*RelayChunk)) }
