package embedredis_test

import (
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/embedredis"
)

// BenchmarkWrite measures acknowledged writes, each of which is in the journal.
func BenchmarkWrite(b *testing.B) {
	script := redis.NewScript(`redis.call("HSET", KEYS[1], "state", ARGV[1]); return redis.call("ZADD", KEYS[2], ARGV[2], KEYS[1])`)
	for _, way := range []string{"process", "socket"} {
		for name, write := range map[string]func(c *redis.Client, i int) error{
			"HSET": func(c *redis.Client, i int) error { return c.HSet(b.Context(), "job", "field", i).Err() },
			"EVALSHA": func(c *redis.Client, i int) error {
				return script.Run(b.Context(), c, []string{fmt.Sprint("job", i%100), "jobs"}, "queued", i).Err()
			},
		} {
			for _, clients := range []int{1, 8} {
				b.Run(fmt.Sprintf("%s/%s/clients=%d", way, name, clients), func(b *testing.B) {
					dir := b.TempDir()
					s := open(b, embedredis.Config{Dir: dir})
					c := client(b, s)
					if way == "socket" {
						c = connect(b, dir)
					}
					b.SetParallelism(clients)
					b.RunParallel(func(pb *testing.PB) {
						for i := 0; pb.Next(); i++ {
							if err := write(c, i); err != nil {
								b.Error(err)
								return
							}
						}
					})
					b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
				})
			}
		}
	}
}
