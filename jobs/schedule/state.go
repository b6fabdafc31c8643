package schedule

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/internal/field"
	"mixduck/jobs/internal/lanes"
)

func scheduleKey(name string) string { return lanes.RecordPrefix + "schedule:" + name }

func historyKey(name string) string { return lanes.RecordPrefix + "ticks:" + name }

// Errors for callers to branch on. They are wrapped with the schedule's name.
var (
	ErrNoSchedule    = fault.New(fault.CodeNotFound, "enqueue schedules list shows their names", "no such schedule")
	ErrScheduleTaken = fault.New(fault.CodeExists, "choose another name, or remove it first", "there is another schedule of this name")
)

// originCLI is the origin of schedules added by people. Schedules of a worker's file have a separate origin per
// worker.
const originCLI = "cli"

func fileOrigin(worker string) string { return "file:" + worker }

// Store stores schedules in Redis. It is safe for concurrent use.
type Store struct {
	e       *lanes.Engine
	scripts scripts
}

// NewStore returns the schedules of a queue.
func NewStore(q lanes.Source) *Store { return &Store{e: q.Engine(), scripts: loadScripts()} }

// State is a schedule with its current state.
type State struct {
	jobs.Schedule

	Files     []string // IDs of the workers with the schedule in their configuration files; none if a person added it
	Paused    bool
	CreatedAt time.Time
	Since     time.Time // when the current timing began, or the last pause ended; only later ticks count
	LastTick  time.Time // last in its history, not after now; zero for none
	LastJob   string    // last one it made, except pieces; "" for none

	follow  string // the job after which a piece can come, "" for none
	version string
}

// Add stores a schedule until it is removed. It returns errors with [fault.CodeUsage], and [ErrScheduleTaken]. Adding
// an identical schedule again changes nothing.
func (st *Store) Add(ctx context.Context, s jobs.Schedule) error {
	if err := s.Validate(); err != nil {
		return err
	}
	change, err := st.put(ctx, s, originCLI, false)
	if err == nil && change == "taken" {
		err = fmt.Errorf("%w: %s", ErrScheduleTaken, s.Name)
	}
	return err
}

// put stores a valid schedule and returns the change: added, changed, same, taken or removed. Set again if the worker
// has published its file before; see lua/put.lua.
func (st *Store) put(ctx context.Context, s jobs.Schedule, origin string, again bool) (change string, err error) {
	s = s.WithDefaults()
	definition, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	timing := fmt.Sprintf("%s|%s|%t", s.Cron, s.Zone, s.Disabled)
	how := ""
	if again {
		how = "again"
	}
	err = lanes.Insist(ctx, func() error {
		now, err := st.e.Time(ctx)
		if err != nil {
			return err
		}
		change, err = st.scripts.put.Run(ctx, st.e.Redis, []string{scheduleKey(s.Name), lanes.SchedulesKey, lanes.RemovedKey, lanes.GenerationKey, lanes.AgendaKey},
			s.Name, origin, definition, timing, rand.Text(), field.Millis(now), how).Text()
		return err
	})
	if err != nil {
		return "", fmt.Errorf("keep schedule %s: %w", s.Name, err)
	}
	return change, nil
}

// Remove deletes a schedule and its history, or returns [ErrNoSchedule]. Its jobs go on. A schedule of a file comes
// back when a worker with that file starts.
func (st *Store) Remove(ctx context.Context, name string) error {
	known, err := st.e.Redis.Exists(ctx, scheduleKey(name)).Result()
	if err != nil {
		return fmt.Errorf("remove schedule %s: %w", name, err)
	}
	if known == 0 {
		return fmt.Errorf("%w: %s", ErrNoSchedule, name)
	}
	return st.drop(ctx, name, "") // a repeated call after a lost answer finds none
}

func (st *Store) drop(ctx context.Context, name, origin string) error {
	now, err := st.e.Time(ctx)
	if err != nil {
		return err
	}
	err = st.scripts.drop.Run(ctx, st.e.Redis,
		[]string{scheduleKey(name), historyKey(name), lanes.SchedulesKey, lanes.RemovedKey, lanes.GenerationKey}, name, origin, field.Millis(now)).Err()
	if err != nil {
		return fmt.Errorf("remove schedule %s: %w", name, err)
	}
	return nil
}

// Pause pauses or resumes a schedule, and reports whether that changed anything. Ticks during the pause are not caught
// up, because the next tick fetches all due days anyway. It returns [ErrNoSchedule].
func (st *Store) Pause(ctx context.Context, name string, pause bool) (changed bool, err error) {
	now, err := st.e.Time(ctx)
	if err != nil {
		return false, err
	}
	flag := ""
	if pause {
		flag = "1"
	}
	result, err := st.scripts.pause.Run(ctx, st.e.Redis, []string{scheduleKey(name), lanes.GenerationKey, lanes.AgendaKey}, flag, rand.Text(), field.Millis(now), name).Text()
	switch {
	case err != nil:
		return false, fmt.Errorf("pause schedule %s: %w", name, err)
	case result == "none":
		return false, fmt.Errorf("%w: %s", ErrNoSchedule, name)
	}
	return result == "changed", nil
}

// List returns all schedules with their state at now, sorted by name.
func (st *Store) List(ctx context.Context, now time.Time) ([]State, error) {
	names, err := st.e.Redis.SMembers(ctx, lanes.SchedulesKey).Result()
	if err != nil {
		return nil, fmt.Errorf("list schedules: %w", err)
	}
	slices.Sort(names)
	return st.named(ctx, names, now)
}

// Get returns a schedule with its state at now, or [ErrNoSchedule].
func (st *Store) Get(ctx context.Context, name string, now time.Time) (State, error) {
	found, err := st.named(ctx, []string{name}, now)
	if err != nil {
		return State{}, err
	}
	if len(found) == 0 {
		return State{}, fmt.Errorf("%w: %s", ErrNoSchedule, name)
	}
	return found[0], nil
}

// named returns the existing schedules among names.
func (st *Store) named(ctx context.Context, names []string, now time.Time) ([]State, error) {
	hashes, ticks, err := st.read(ctx, names, now)
	if err != nil {
		return nil, err
	}
	var all []State
	for i, name := range names {
		if len(hashes[i].Val()) == 0 {
			continue
		}
		s, err := parseState(hashes[i].Val(), ticks[i].Val())
		if err != nil {
			return nil, fmt.Errorf("schedule %s: %w", name, err)
		}
		all = append(all, s)
	}
	return all, nil
}

func parseState(h map[string]string, last []string) (State, error) {
	p := field.Parser{Fields: h}
	s := State{
		Paused: h["paused"] == "1", CreatedAt: p.Time("created"), Since: p.Time("since"), LastJob: h["job"],
		follow: h["follow"], version: h["version"],
	}
	p.JSON("definition", &s.Schedule)
	for origin := range strings.SplitSeq(strings.Trim(h["origins"], ","), ",") {
		if worker, ok := strings.CutPrefix(origin, fileOrigin("")); ok {
			s.Files = append(s.Files, worker)
		}
	}
	for _, text := range last {
		tick, err := parseTick(text)
		if err != nil {
			return State{}, err
		}
		s.LastTick = tick.Tick
	}
	return s, p.Err
}

// TickOutcome is the outcome of a tick.
type TickOutcome string

// The outcomes of a tick.
const (
	TickJob     TickOutcome = "job"     // it made a job
	TickSkipped TickOutcome = "skipped" // the job of the previous tick was not final
	TickMissed  TickOutcome = "missed"  // nothing ran for longer than the schedule's catch-up time
	TickEmpty   TickOutcome = "empty"   // no day was old enough
)

// Tick is an entry of a schedule's history.
type Tick struct {
	Tick    time.Time
	Outcome TickOutcome
	Job     string    // "" for none
	At      time.Time // when it was handled
}

// History returns the last handled ticks of a schedule, newest first: at most 100, plus at most 100 with times in the
// future, from a clock that was ahead.
func (st *Store) History(ctx context.Context, name string) ([]Tick, error) {
	texts, err := st.e.Redis.ZRevRange(ctx, historyKey(name), 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("history of schedule %s: %w", name, err)
	}
	ticks := make([]Tick, len(texts))
	for i, text := range texts {
		if ticks[i], err = parseTick(text); err != nil {
			return nil, fmt.Errorf("history of schedule %s: %w", name, err)
		}
	}
	return ticks, nil
}

// parseTick reads a member of a history.
func parseTick(text string) (Tick, error) {
	parts := strings.Fields(text)
	if len(parts) != 4 {
		return Tick{}, fmt.Errorf("%q is no tick", text)
	}
	tick, err := strconv.ParseInt(parts[0], 10, 64)
	at, err2 := strconv.ParseInt(parts[3], 10, 64)
	if err := errors.Join(err, err2); err != nil {
		return Tick{}, err
	}
	t := Tick{Tick: time.UnixMilli(tick).UTC(), Outcome: TickOutcome(parts[1]), Job: parts[2], At: time.UnixMilli(at).UTC()}
	if t.Job == "-" {
		t.Job = ""
	}
	return t, nil
}
