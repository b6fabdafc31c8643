package mixpaneltest

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"runtime"
	"sync"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"

	"mixduck/internal/day"
)

// Cache is a Source that keeps compressed days of another one in memory, so serving them is cheap. It never evicts
// days, so the other source must not change. It is safe for concurrent use.
type Cache struct {
	source Source

	mu   sync.RWMutex
	days map[cacheKey][]byte // a gzip member, or empty for a day without events
}

type cacheKey struct {
	day    day.Day
	format Format
}

// NewCache returns an empty cache. Days that [Cache.Fill] did not load are served from source.
func NewCache(source Source) *Cache {
	return &Cache{source: source, days: make(map[cacheKey][]byte)}
}

// Fill loads days concurrently. After an error some of them are loaded.
func (c *Cache) Fill(days day.Range, f Format) error {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for d := range days.All() {
		group.Go(func() error {
			packed, err := pack(c.source.Lines(d, f))
			if err != nil {
				return fmt.Errorf("day %s: %w", d, err)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			c.days[cacheKey{d, f}] = packed
			return nil
		})
	}
	return group.Wait()
}

// Bytes returns the compressed size of the loaded days.
func (c *Cache) Bytes() int64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var sum int64
	for _, packed := range c.days {
		sum += int64(len(packed))
	}
	return sum
}

// Lines yields the lines of d from the other source.
func (c *Cache) Lines(d day.Day, f Format) iter.Seq2[[]byte, error] { return c.source.Lines(d, f) }

// Packed returns d if it was loaded.
func (c *Cache) Packed(d day.Day, f Format) (io.ReadCloser, error) {
	c.mu.RLock()
	packed, ok := c.days[cacheKey{d, f}]
	c.mu.RUnlock()
	if ok {
		return io.NopCloser(bytes.NewReader(packed)), nil
	}
	if source, ok := c.source.(packedSource); ok {
		return source.Packed(d, f)
	}
	return nil, nil //nolint:nilnil // as packedSource wants it
}

// pack compresses lines into a gzip member; without lines it returns none.
func pack(lines iter.Seq2[[]byte, error]) ([]byte, error) {
	var out bytes.Buffer
	zw := gzip.NewWriter(&out)
	empty := true
	for line, err := range lines {
		if err != nil {
			return nil, err
		}
		empty = false
		if _, err := zw.Write(line); err != nil {
			return nil, err
		}
	}
	if empty {
		return nil, nil
	}
	err := zw.Close()
	return out.Bytes(), err
}
