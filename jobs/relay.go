package jobs

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
)

// A result in a file reaches readers without the volume through Redis. The reader asks for a window of chunks by their
// numbers, any worker of the volume stores them, and the reader takes the whole window before it asks for the next one.
// Nobody waits for the reader. Each step may happen twice: asking again stores the same bytes under the same keys. A lost
// ask, answer or worker costs the time until the reader asks again.

const (
	relayChunk   = 256 << 10
	relayWindow  = 16                     // chunks that a reader asks for at once
	relayMget    = 4                      // chunks that one command returns: its answer has to arrive within the read timeout
	relayLasts   = 30 * time.Second       // how long Redis keeps chunks that nobody takes
	releaseTime  = time.Second            // to tidy up
	relaySends   = 4                      // windows that a worker reads at the same time
	relayQuick   = 5 * time.Millisecond   // between two looks, at first
	relayIdle    = 100 * time.Millisecond // between two looks of a worker that is not asked
	relayPatient = 50 * time.Millisecond  // between two looks of a reader
)

// relayLimits are what tests change.
type relayLimits struct {
	streams  int           // results with chunks in Redis at the same time
	again    time.Duration // a reader repeats an ask that nobody has answered
	unserved time.Duration // a reader gives up if no worker serves the volume; longer than a restart takes
	patience time.Duration // a reader gives up whatever the reason is
}

func usualRelayLimits() relayLimits {
	return relayLimits{streams: 32, again: time.Second, unserved: 20 * time.Second, patience: pollOutages}
}

// ask is a reader's request for the window that begins at chunk From. Its JSON form is the member of the ZSET of asks of
// a volume, so that asking again replaces the ask.
type ask struct {
	Stream   string `json:"stream"` // names the keys of the chunks
	Database string `json:"database"`
	File     string `json:"file"` // inside the volume
	From     int64  `json:"from"`
}

func (a ask) encode() string {
	b, _ := json.Marshal(a) // texts and a number: it cannot fail
	return string(b)
}

func asksKey(volume string) string { return "mixduck:{relay:" + volume + "}:asks" }

// streamsKey is a ZSET: the streams that may have chunks in Redis, by when those are gone (unix ms).
const streamsKey = "mixduck:streams"

func chunkKey(stream string, n int64) string {
	return "mixduck:{stream:" + stream + "}:" + strconv.FormatInt(n, 10)
}

// putAsk asks the workers of the volume for a window.
func (q *Queue) putAsk(ctx context.Context, a ask) error {
	key := asksKey(volumeOf(a.Database))
	pipe := q.rdb.TxPipeline()
	pipe.ZAdd(ctx, key, redis.Z{Score: float64(q.now().UnixMilli()), Member: a.encode()})
	pipe.Expire(ctx, key, relayLasts)
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("ask for a result: %w", err)
	}
	return nil
}

// dropAsk takes an ask back.
func (*Queue) dropAsk(ctx context.Context, pipe redis.Pipeliner, a ask) {
	pipe.ZRem(ctx, asksKey(volumeOf(a.Database)), a.encode())
}

// takeAsks takes the oldest ask of each volume. An ask whose answer from Redis is lost is lost: the reader repeats it.
func (q *Queue) takeAsks(ctx context.Context, volumes []Volume) ([]ask, error) {
	pipe := q.rdb.Pipeline()
	popped := make([]*redis.ZSliceCmd, len(volumes))
	for i, v := range volumes {
		popped[i] = pipe.ZPopMin(ctx, asksKey(v.Name), 1)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("take requests for results: %w", err)
	}
	var asks []ask
	for _, cmd := range popped {
		for _, z := range cmd.Val() {
			var a ask
			body, ok := z.Member.(string)
			if ok && json.Unmarshal([]byte(body), &a) == nil && a.Stream != "" && a.From >= 0 {
				asks = append(asks, a)
			}
		}
	}
	return asks, nil
}

// chunkKind says what a chunk holds.
type chunkKind byte

const (
	chunkData   chunkKind = 'd' // bytes of the file
	chunkGone   chunkKind = 'g' // there is no such file; why
	chunkFailed chunkKind = 'f' // the file cannot be read; why
)

// chunk is one value in Redis: kind, number and size of the whole file, a hash of all of it, and the body.
type chunk struct {
	kind   chunkKind
	number int64
	size   int64 // of the whole file
	body   []byte
}

const chunkHeader = 1 + 8 + 8 + 8

var errTornChunk = errors.New("a part of the result arrived damaged")

func (c chunk) encode(stream string) []byte {
	b := make([]byte, chunkHeader, chunkHeader+len(c.body))
	b[0] = byte(c.kind)
	binary.BigEndian.PutUint64(b[1:], uint64(c.number))
	binary.BigEndian.PutUint64(b[9:], uint64(c.size))
	binary.BigEndian.PutUint64(b[17:], chunkSum(stream, b[:17], c.body))
	return append(b, c.body...)
}

// decodeChunk returns chunk number n of stream, or errTornChunk if b is anything else.
func decodeChunk(stream string, n int64, b []byte) (chunk, error) {
	if len(b) < chunkHeader || binary.BigEndian.Uint64(b[17:]) != chunkSum(stream, b[:17], b[chunkHeader:]) {
		return chunk{}, errTornChunk
	}
	c := chunk{
		kind: chunkKind(b[0]), number: int64(binary.BigEndian.Uint64(b[1:])), size: int64(binary.BigEndian.Uint64(b[9:])),
		body: b[chunkHeader:],
	}
	if c.number != n {
		return chunk{}, errTornChunk
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

// chunksOf returns how many chunks a file of that size has.
func chunksOf(size int64) int64 { return (size + relayChunk - 1) / relayChunk }

// chunkBytes returns how many bytes chunk n of a file of that size has.
func chunkBytes(size, n int64) int64 { return max(0, min(relayChunk, size-n*relayChunk)) }
