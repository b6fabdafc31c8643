package embedredis_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/embedredis"
)

const killings = 6

func TestKilledWhileWritingInTheProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var acknowledged []string
	for range killings {
		p := startChild(t, dir, "write")
		for range 1 + rand.IntN(3000) {
			id := p.line()
			if id == "" {
				t.Fatal("the child ended by itself")
			}
			acknowledged = append(acknowledged, id)
		}
		acknowledged = append(acknowledged, p.kill()...)
	}
	checkKept(t, client(t, open(t, embedredis.Config{Dir: dir})), acknowledged)
}

func TestKilledWhileWritingOverTheSocket(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var acknowledged []string
	for round := range killings {
		p := startChild(t, dir)
		c := connect(t, dir)
		var mu sync.Mutex
		left := 1 + rand.IntN(3000)
		writeForever(t.Context(), c, string(rune('a'+round)), func(id string) {
			mu.Lock()
			defer mu.Unlock()
			acknowledged = append(acknowledged, id)
			if left--; left == 0 {
				_ = p.cmd.Process.Kill()
			}
		})
		p.kill()
	}
	checkKept(t, client(t, open(t, embedredis.Config{Dir: dir})), acknowledged)
}

func checkKept(tb testing.TB, c *redis.Client, acknowledged []string) {
	tb.Helper()
	lost := 0
	for _, id := range acknowledged {
		if err := c.ZScore(tb.Context(), "ids", id).Err(); err != nil {
			lost++
		}
	}
	if lost > 0 {
		tb.Errorf("%d of %d acknowledged writes are lost", lost, len(acknowledged))
	}
	tb.Logf("%d acknowledged writes, %d kept", len(acknowledged), c.ZCard(tb.Context(), "ids").Val())
}
