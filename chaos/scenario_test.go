package chaos

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs"
	"mixduck/jobs/queue"
)

// scenario is what happens while jobs run.
type scenario struct {
	name      string // of the subtest
	title     string // of the line in the report
	file      string // the workers' configuration file, if any
	embedded  bool   // the queue is in the worker's process
	workers   int
	databases int
	jobs      int    // of each database, at scale 1
	again     bool   // some jobs must be begun more than once
	unit      string // of the number returned by disturb
	disturb   func(testing.TB, *site) int
}

func scenarios() []scenario {
	return []scenario{
		{name: "undisturbed", title: "undisturbed", workers: 2, databases: 30, jobs: 6, unit: "disturbance", disturb: nothing},
		{name: "kill", title: "kill -9 every 3 s", workers: 2, databases: 30, jobs: 6, again: true, unit: "kill", disturb: kill},
		{name: "restart", title: "SIGTERM every 3 s", workers: 2, databases: 30, jobs: 6, again: true, unit: "restart", disturb: restart},
		{name: "redis", title: "Redis killed every 4 s", workers: 2, databases: 30, jobs: 6, unit: "kill", disturb: killRedis},
		{name: "mixed", title: "all of it at random", workers: 3, databases: 30, jobs: 6, unit: "disturbance", disturb: mix},
		{name: "embedded", title: "embedded queue killed", embedded: true, workers: 1, databases: 10, jobs: 12, unit: "restart", disturb: restartOrKill},
		{name: "freeze", title: "worker frozen for 35 s", workers: 2, databases: 20, jobs: 6, again: true, unit: "freeze", disturb: freeze},
		{name: "pause", title: "Redis frozen 33 s, full 10 s", workers: 2, databases: 20, jobs: 10, unit: "outage", disturb: starve},
	}
}

func nothing(tb testing.TB, s *site) int {
	tb.Helper()
	for s.unfinished(tb, time.Second) {
	}
	return 0
}

// mayDie reports whether enough jobs have ended since the last time that it returned true: half as many again as can run
// at once. With deaths by time alone, or with fewer jobs between them, a job could have just begun at each death. At the
// fifth, it counts as their cause.
func (s *site) mayDie(tb testing.TB) bool {
	tb.Helper()
	done, err := s.count(tb.Context(), "done")
	if err != nil || done < s.nextDeath {
		return false
	}
	s.nextDeath = done + len(s.workers)*concurrency*3/2
	return true
}

// kill kills a worker every few seconds and restarts it at once.
func kill(tb testing.TB, s *site) (times int) {
	tb.Helper()
	for s.unfinished(tb, s.about(3*time.Second)) {
		if s.mayDie(tb) {
			s.kill(tb)
			times++
		}
	}
	return times
}

func (s *site) kill(tb testing.TB) {
	tb.Helper()
	p := s.anyWorker()
	s.replace(tb, p, p.Kill)
}

// restart terminates a worker every few seconds and starts it again.
func restart(tb testing.TB, s *site) (times int) {
	tb.Helper()
	for s.unfinished(tb, s.about(3*time.Second)) {
		s.restart(tb)
		times++
	}
	return times
}

func (s *site) restart(tb testing.TB) {
	tb.Helper()
	p := s.anyWorker()
	s.replace(tb, p, func() { p.Terminate(tb) })
}

// restartOrKill does one or the other by turns, each after enough jobs have ended.
func restartOrKill(tb testing.TB, s *site) (times int) {
	tb.Helper()
	for s.unfinished(tb, s.about(2*time.Second)) {
		if !s.mayDie(tb) {
			continue
		}
		if times%2 == 0 {
			s.kill(tb)
		} else {
			s.restart(tb)
		}
		times++
	}
	return times
}

// killRedis kills Redis every few seconds, and restarts it soon after.
func killRedis(tb testing.TB, s *site) (times int) {
	tb.Helper()
	for s.unfinished(tb, s.about(4*time.Second)) {
		s.killRedis(tb)
		times++
	}
	return times
}

func (s *site) killRedis(tb testing.TB) {
	tb.Helper()
	s.redis.Kill()
	s.pass(tb, s.about(time.Second))
	s.redis.Start(tb)
}

const (
	beyondLease  = 35 * time.Second // of a worker, and of an Asynq task
	redisFrozen  = 33 * time.Second
	redisFull    = 16 * time.Second
	unansweredIn = 8 * time.Second // how long running attempts may continue without Redis, on a busy machine
)

// freeze suspends a worker for longer than it counts as live: the other one takes over its jobs, and finishes them
// while it sleeps, because it holds no lock.
func freeze(tb testing.TB, s *site) (times int) {
	tb.Helper()
	for s.unfinished(tb, s.about(time.Second)) {
		p := s.anyWorker()
		p.Freeze(tb)
		for s.unfinished(tb, 0) && (s.guard.holdsLock(tb, p.PID()) || !s.works(tb, p.PID())) {
			p.Thaw(tb)
			s.pass(tb, s.about(10*time.Millisecond))
			p.Freeze(tb)
		}
		s.frozen, s.froze = append(s.frozen, p), true
		times++
		if s.unfinished(tb, beyondLease) {
			s.thaw(tb)
		}
	}
	return times
}

// works reports whether a worker has begun jobs.
func (s *site) works(tb testing.TB, pid int) bool {
	tb.Helper()
	workers, err := s.queue.Workers(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	running, err := s.queue.List(tb.Context(), queue.Filter{State: jobs.StateRunning})
	if err != nil {
		tb.Fatal(err)
	}
	return slices.ContainsFunc(workers, func(w jobs.WorkerInfo) bool {
		return w.PID == pid && slices.ContainsFunc(running, func(r jobs.Record) bool { return r.Worker == w.ID })
	})
}

// thaw wakes all suspended workers.
func (s *site) thaw(tb testing.TB) {
	tb.Helper()
	for _, p := range s.frozen {
		p.Thaw(tb)
	}
	s.frozen = nil
}

// starve makes Redis unreachable for longer than workers count as live and tasks as taken, and then lets it run out of
// memory.
func starve(tb testing.TB, s *site) (times int) {
	tb.Helper()
	s.pass(tb, s.about(3*time.Second))
	s.freezeRedis(tb, redisFrozen)
	s.pass(tb, s.about(3*time.Second))
	s.fillRedis(tb, redisFull)
	nothing(tb, s)
	return 2
}

func (s *site) freezeRedis(tb testing.TB, d time.Duration) {
	tb.Helper()
	s.redis.Process.Freeze(tb)
	s.standstill(tb, d)
	s.redis.Process.Thaw(tb)
}

func (s *site) fillRedis(tb testing.TB, d time.Duration) {
	tb.Helper()
	limitMemory(tb, s.client, true)
	s.standstill(tb, d)
	limitMemory(tb, s.client, false)
}

// standstill waits, and checks that workers do too: without the queue they begin nothing.
func (s *site) standstill(tb testing.TB, d time.Duration) {
	tb.Helper()
	s.pass(tb, min(d, unansweredIn))
	before := len(s.mixpanel.Requests())
	s.pass(tb, max(0, d-unansweredIn))
	if after := len(s.mixpanel.Requests()); after != before {
		tb.Errorf("Mixpanel was asked %d times while Redis could not be reached", after-before)
	}
}

// mix does all of this in random order. At most one worker is frozen at a time.
func mix(tb testing.TB, s *site) (times int) {
	tb.Helper()
	var wake time.Time
	for s.unfinished(tb, s.about(2*time.Second)) {
		times++
		switch n := s.random.IntN(6); {
		case len(s.frozen) > 0 && time.Now().After(wake):
			s.thaw(tb)
		case n == 0:
			s.restart(tb)
		case n == 1:
			s.killRedis(tb)
		case n == 2:
			s.redis.Process.Freeze(tb)
			s.pass(tb, s.about(3*time.Second))
			s.redis.Process.Thaw(tb)
		case n == 3:
			limitMemory(tb, s.client, true)
			s.pass(tb, s.about(3*time.Second))
			limitMemory(tb, s.client, false)
		case !s.mayDie(tb):
			s.restart(tb)
		case n == 4 && len(s.frozen) == 0:
			p := s.anyWorker()
			p.Signal(tb, syscall.SIGSTOP)
			s.frozen, s.froze, wake = append(s.frozen, p), true, time.Now().Add(s.about(beyondLease))
		default:
			s.kill(tb)
		}
	}
	return times
}

// limitMemory makes Redis reject all writes that need memory, or ends that.
func limitMemory(tb testing.TB, rdb *redis.Client, full bool) {
	tb.Helper()
	limit := "0"
	if full {
		limit = "1" // byte
	}
	if err := rdb.ConfigSet(tb.Context(), "maxmemory", limit).Err(); err != nil {
		tb.Fatal(err)
	}
}
