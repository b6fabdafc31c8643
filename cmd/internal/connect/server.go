package connect

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// ProblemKind is a kind of problem with a Redis server.
type ProblemKind string

// The kinds of problems.
const (
	ProblemEviction    ProblemKind = "eviction"    // may delete keys when full
	ProblemPersistence ProblemKind = "persistence" // a restart loses data
	ProblemRole        ProblemKind = "role"        // is a replica and refuses writes
	ProblemUnknown     ProblemKind = "unknown"     // unknown, because its ACL forbids the check
)

// ProblemKinds returns all kinds.
func ProblemKinds() []ProblemKind {
	return []ProblemKind{ProblemEviction, ProblemPersistence, ProblemRole, ProblemUnknown}
}

// Problem is a setting of a Redis server that endangers the queue.
type Problem struct {
	Kind  ProblemKind
	Text  string // one line, without a full stop
	Fatal bool   // the server may delete any key of the queue
}

// Problems checks the role, eviction and persistence of a Redis server, and returns what endangers a queue. A check
// forbidden by an ACL is a problem too. An error means that the server did not respond.
func Problems(ctx context.Context, rdb *redis.Client) ([]Problem, error) {
	s := serverSettings{rdb: rdb, said: map[string]string{}}
	for _, section := range []string{"memory", "persistence", "replication"} {
		if err := s.info(ctx, section); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"maxmemory-policy", "appendonly", "save"} {
		if err := s.config(ctx, name); err != nil {
			return nil, err
		}
	}
	if s.said["role"] == "" {
		if err := s.role(ctx); err != nil {
			return nil, err
		}
	}
	return s.judge(), nil
}

// serverSettings are settings from INFO and CONFIG, under their names there.
type serverSettings struct {
	rdb  *redis.Client
	said map[string]string
}

// refused reports whether the server rejected the command: an ACL forbids it, or a managed service has renamed it.
func refused(err error) bool {
	_, answered := errors.AsType[redis.Error](err)
	return answered && !redis.IsLoadingError(err) && !redis.IsMasterDownError(err) && !redis.IsAuthError(err)
}

func (s serverSettings) info(ctx context.Context, section string) error {
	text, err := s.rdb.Info(ctx, section).Result()
	if err != nil && !refused(err) {
		return fmt.Errorf("read the %s of Redis: %w", section, err)
	}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			s.said[name] = value
		}
	}
	return nil
}

func (s serverSettings) config(ctx context.Context, name string) error {
	values, err := s.rdb.ConfigGet(ctx, name).Result()
	if err != nil && !refused(err) {
		return fmt.Errorf("read the Redis setting %s: %w", name, err)
	}
	if value, ok := values[name]; ok {
		s.said[name] = value
	}
	return nil
}

func (s serverSettings) role(ctx context.Context) error {
	answer, err := s.rdb.Do(ctx, "ROLE").Slice()
	if err != nil && !refused(err) {
		return fmt.Errorf("read the role of Redis: %w", err)
	}
	if len(answer) > 0 {
		s.said["role"] = fmt.Sprint(answer[0])
	}
	return nil
}

func (s serverSettings) judge() (all []Problem) {
	var silent []string
	policy := s.said["maxmemory-policy"]
	if policy == "" {
		policy = s.said["maxmemory_policy"]
	}
	switch {
	case policy == "":
		silent = append(silent, "its eviction policy")
	case strings.HasPrefix(policy, "allkeys-"):
		all = append(all, Problem{ProblemEviction, "Redis may evict any job: its maxmemory-policy is " + policy + ", but must be noeviction", true})
	case policy != "noeviction":
		all = append(all, Problem{ProblemEviction, "Redis may evict records of jobs, budgets and results: its maxmemory-policy is " + policy + ", but should be noeviction", false})
	}
	snapshots, known := s.said["save"]
	appends := s.said["appendonly"] == "yes" || s.said["aof_enabled"] == "1"
	switch {
	case appends:
	case s.said["appendonly"] == "" && s.said["aof_enabled"] == "":
		silent = append(silent, "its persistence")
	case !known:
		all = append(all, Problem{ProblemPersistence, "Redis writes no append-only file, and does not report whether it saves snapshots: a restart may lose jobs", false})
	case snapshots == "":
		all = append(all, Problem{ProblemPersistence, "Redis stores nothing on disk: a restart loses all jobs; set appendonly yes", false})
	default:
		all = append(all, Problem{ProblemPersistence, "Redis only saves snapshots: a restart loses the jobs since the last one; set appendonly yes", false})
	}
	switch role := s.said["role"]; role {
	case "master":
	case "":
		silent = append(silent, "its role")
	default:
		all = append(all, Problem{ProblemRole, "Redis is a replica (" + role + ") and refuses writes: redis.url must name the primary", false})
	}
	if len(silent) > 0 {
		all = append(all, Problem{ProblemUnknown, "this user may not query " + strings.Join(silent, " and ") +
			": allow INFO, or check manually that it evicts nothing and has an append-only file", false})
	}
	return all
}
