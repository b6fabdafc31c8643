package bench_test

import (
	"testing"
	"time"
)

// usage is what a site has used in a period.
type usage struct {
	took     time.Duration
	cpu      time.Duration // of the workers
	commands int64         // of a real Redis, including those within scripts
	scripts  int64         // of these, calls of scripts
}

// use returns what the site uses while fn runs.
func (s *site) use(b *testing.B, fn func()) usage {
	b.Helper()
	before, began := s.used(b), time.Now()
	fn()
	after := s.used(b)
	return usage{
		took: time.Since(began), cpu: after.cpu - before.cpu,
		commands: after.commands - before.commands, scripts: after.scripts - before.scripts,
	}
}

// used returns what the site has used since its start.
func (s *site) used(b *testing.B) (u usage) {
	b.Helper()
	for _, w := range s.workers {
		u.cpu += w.cpu(b)
	}
	if s.redis != nil {
		u.commands, u.scripts = s.redis.commands(b)
	}
	return u
}

// without subtracts what the site would have used when idle.
func (u usage) without(idle usage) usage {
	share := float64(u.took) / float64(idle.took)
	u.cpu -= time.Duration(share * float64(idle.cpu))
	u.commands -= int64(share * float64(idle.commands))
	u.scripts -= int64(share * float64(idle.scripts))
	return u
}
