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

// Readers without access to the volume get a result file through Redis. The reader asks for a window of chunks by
// number, any worker of the volume stores them, and the reader takes the whole window before it asks for the next one.
// No worker waits for the reader. Each step can be repeated: asking again stores the same bytes under the same keys. A
// lost request, answer or worker only costs the time until the reader asks again.

// Limits of a relay.
const (
	RelayChunk   = 256 << 10
	RelayWindow  = 16                     // chunks per request of a reader
	RelayMget    = 4                      // chunks per command: its response must arrive within the read timeout
	RelayLasts   = 30 * time.Second       // how long Redis keeps chunks that are not taken
	ReleaseTime  = time.Second            // for clean-up
	RelaySends   = 4                      // windows that a worker reads concurrently
	RelayQuick   = 5 * time.Millisecond   // first polling interval
	RelayIdle    = 100 * time.Millisecond // polling interval of an idle worker
	RelayPatient = 50 * time.Millisecond  // polling interval of a reader
)

// RelayLimits can be changed by tests.
type RelayLimits struct {
	Streams  int           // results with chunks in Redis at once
	Again    time.Duration // a reader repeats an unanswered request after this
	Unserved time.Duration // a reader gives up after this if no worker serves the volume; longer than a restart takes
	Patience time.Duration // a reader gives up after this for any reason
}

func usualRelayLimits() RelayLimits {
	return RelayLimits{Streams: 32, Again: time.Second, Unserved: 20 * time.Second, Patience: PollOutages}
}

// Ask is a reader's request for the window that begins at chunk From. Its JSON form is the member of a volume's ZSET
// of requests, so a repeated request replaces itself.
type Ask struct {
	Stream   string `json:"stream"` // part of the chunks' keys
	Database string `json:"database"`
	File     string `json:"file"` // path within the volume
	From     int64  `json:"from"`
}

func (a Ask) encode() string {
	b, _ := json.Marshal(a) // only texts and a number: cannot fail
	return string(b)
}

func asksKey(volume string) string { return "mixduck:{relay:" + volume + "}:asks" }

// StreamsKey is a ZSET: streams that may have chunks in Redis, by when these expire (unix ms).
const StreamsKey = "mixduck:streams"

// ChunkKey returns the key of chunk n of a stream.
func ChunkKey(stream string, n int64) string {
	return "mixduck:{stream:" + stream + "}:" + strconv.FormatInt(n, 10)
}

// PutAsk requests a window from the workers of the volume.
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

// DropAsk withdraws a request.
func (*Engine) DropAsk(ctx context.Context, pipe redis.Pipeliner, a Ask) {
	pipe.ZRem(ctx, asksKey(jobs.VolumeOf(a.Database)), a.encode())
}

// TakeAsks takes the oldest request of each volume. If Redis's response is lost, so is the request, and the reader
// repeats it.
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
	ChunkGone   ChunkKind = 'g' // the file does not exist; the body says why
	ChunkFailed ChunkKind = 'f' // the file cannot be read; the body says why
)

// Chunk is a value in Redis: kind, number, size of the whole file, a hash of everything, and the body.
type Chunk struct {
	Kind   ChunkKind
	Number int64
	Size   int64 // of the whole file
	Body   []byte
}

const chunkHeader = 1 + 8 + 8 + 8

// ErrTornChunk means that the value of a chunk is not what was stored.
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

// DecodeChunk returns chunk n of stream, or [ErrTornChunk] if b is anything else.
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
	_, _ = h.WriteString(stream) // hashes return no errors
	_, _ = h.Write(head)
	_, _ = h.Write(body)
	return h.Sum64()
}

// ChunksOf returns the number of chunks of a file of the given size.
func ChunksOf(size int64) int64 { return (size + RelayChunk - 1) / RelayChunk }

// ChunkBytes returns the number of bytes of chunk n of a file of the given size.
func ChunkBytes(size, n int64) int64 { return max(0, min(RelayChunk, size-n*RelayChunk)) }
