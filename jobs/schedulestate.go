package jobs

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
)

// Errors that callers branch on. They are wrapped with the schedule's name.
var (
	ErrNoSchedule    = fault.New(fault.CodeNotFound, "enqueue schedules list shows their names", "no such schedule")
	ErrScheduleTaken = fault.New(fault.CodeExists, "choose another name, or remove it first", "there is another schedule of this name")
)

// originCLI is the origin of schedules that people add; those of a worker's file have another for each worker.
const originCLI = "cli"

func fileOrigin(worker string) string { return "file:" + worker }

// ScheduleState is a schedule and how it stands.
type ScheduleState struct {
	Schedule

	Files     []string // ids of the workers in whose configuration files it is; none if a person has added it
	Paused    bool
	CreatedAt time.Time
	Since     time.Time // of the present timing, or since the last pause: only later ticks count
	LastTick  time.Time // of its history, not after now; zero for none
	LastJob   string    // the last that it made, pieces aside; "" for none

	follow  string // the job after which a piece may come, "" for none
	version string
}

// Time returns the clock of Redis. It decides when schedules are due: it is the one clock that all workers share.
func (q *Queue) Time(ctx context.Context) (time.Time, error) {
	now, err := q.rdb.Time(ctx).Result()
	if err != nil {
		return time.Time{}, fmt.Errorf("ask Redis for the time: %w", err)
	}
	return now.UTC(), nil
}

// AddSchedule keeps a schedule until it is removed. It returns errors with [fault.CodeUsage], and [ErrScheduleTaken]. Adding
// the same again changes nothing.
func (q *Queue) AddSchedule(ctx context.Context, s Schedule) error {
	if err := s.Validate(); err != nil {
		return err
	}
	change, err := q.putSchedule(ctx, s, originCLI, false)
	if err == nil && change == "taken" {
		err = fmt.Errorf("%w: %s", ErrScheduleTaken, s.Name)
	}
	return err
}

// putSchedule keeps a valid schedule and says what that changed: added, changed, same, taken or removed. Again is said by a
// worker that has published its file before; see schedule_put.lua.
func (q *Queue) putSchedule(ctx context.Context, s Schedule, origin string, again bool) (change string, err error) {
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
	err = insist(ctx, func() error {
		now, err := q.Time(ctx)
		if err != nil {
			return err
		}
		change, err = q.scripts.schedulePut.Run(ctx, q.rdb, []string{scheduleKey(s.Name), schedulesKey, removedKey, generationKey},
			s.Name, origin, definition, timing, rand.Text(), millis(now), how).Text()
		return err
	})
	if err != nil {
		return "", fmt.Errorf("keep schedule %s: %w", s.Name, err)
	}
	return change, nil
}

// RemoveSchedule forgets a schedule and its history, or returns [ErrNoSchedule]. Jobs that it has made go on. One of a file
// comes back when a worker with that file starts.
func (q *Queue) RemoveSchedule(ctx context.Context, name string) error {
	known, err := q.rdb.Exists(ctx, scheduleKey(name)).Result()
	if err != nil {
		return fmt.Errorf("remove schedule %s: %w", name, err)
	}
	if known == 0 {
		return fmt.Errorf("%w: %s", ErrNoSchedule, name)
	}
	return q.dropSchedule(ctx, name, "") // repeated after a lost answer, it finds none
}

func (q *Queue) dropSchedule(ctx context.Context, name, origin string) error {
	now, err := q.Time(ctx)
	if err != nil {
		return err
	}
	err = q.scripts.scheduleDrop.Run(ctx, q.rdb,
		[]string{scheduleKey(name), historyKey(name), schedulesKey, removedKey, generationKey}, name, origin, millis(now)).Err()
	if err != nil {
		return fmt.Errorf("remove schedule %s: %w", name, err)
	}
	return nil
}

// PauseSchedule keeps a schedule from firing until it is resumed, or resumes it, and reports whether that is news. Ticks of
// the pause are not caught up: the next one asks for all days that are due anyway. It returns [ErrNoSchedule].
func (q *Queue) PauseSchedule(ctx context.Context, name string, pause bool) (changed bool, err error) {
	now, err := q.Time(ctx)
	if err != nil {
		return false, err
	}
	flag := ""
	if pause {
		flag = "1"
	}
	result, err := q.scripts.schedulePause.Run(ctx, q.rdb, []string{scheduleKey(name), generationKey}, flag, rand.Text(), millis(now)).Text()
	switch {
	case err != nil:
		return false, fmt.Errorf("pause schedule %s: %w", name, err)
	case result == "none":
		return false, fmt.Errorf("%w: %s", ErrNoSchedule, name)
	}
	return result == "changed", nil
}

// Schedules returns all schedules by name, as they stand now.
func (q *Queue) Schedules(ctx context.Context, now time.Time) ([]ScheduleState, error) {
	names, err := q.rdb.SMembers(ctx, schedulesKey).Result()
	if err != nil {
		return nil, fmt.Errorf("list schedules: %w", err)
	}
	slices.Sort(names)
	return q.schedules(ctx, names, now)
}

// Schedule returns a schedule as it stands now, or [ErrNoSchedule].
func (q *Queue) Schedule(ctx context.Context, name string, now time.Time) (ScheduleState, error) {
	found, err := q.schedules(ctx, []string{name}, now)
	if err != nil {
		return ScheduleState{}, err
	}
	if len(found) == 0 {
		return ScheduleState{}, fmt.Errorf("%w: %s", ErrNoSchedule, name)
	}
	return found[0], nil
}

// schedules returns those of the names that there are.
func (q *Queue) schedules(ctx context.Context, names []string, now time.Time) ([]ScheduleState, error) {
	hashes, ticks, err := q.readSchedules(ctx, names, now)
	if err != nil {
		return nil, err
	}
	var all []ScheduleState
	for i, name := range names {
		if len(hashes[i].Val()) == 0 {
			continue
		}
		s, err := parseSchedule(hashes[i].Val(), ticks[i].Val())
		if err != nil {
			return nil, fmt.Errorf("schedule %s: %w", name, err)
		}
		all = append(all, s)
	}
	return all, nil
}

func parseSchedule(h map[string]string, last []string) (ScheduleState, error) {
	p := parser{fields: h}
	s := ScheduleState{
		Paused: h["paused"] == "1", CreatedAt: p.time("created"), Since: p.time("since"), LastJob: h["job"],
		follow: h["follow"], version: h["version"],
	}
	p.json("definition", &s.Schedule)
	for origin := range strings.SplitSeq(strings.Trim(h["origins"], ","), ",") {
		if worker, ok := strings.CutPrefix(origin, fileOrigin("")); ok {
			s.Files = append(s.Files, worker)
		}
	}
	for _, text := range last {
		tick, err := parseTick(text)
		if err != nil {
			return ScheduleState{}, err
		}
		s.LastTick = tick.Tick
	}
	return s, p.err
}

// TickOutcome is what has become of a tick.
type TickOutcome string

// What may become of one.
const (
	TickJob     TickOutcome = "job"     // it made a job
	TickSkipped TickOutcome = "skipped" // the job of the tick before was not final
	TickMissed  TickOutcome = "missed"  // nothing ran for longer than its schedule catches up
	TickEmpty   TickOutcome = "empty"   // no day was old enough
)

// Tick is one of a schedule's history.
type Tick struct {
	Tick    time.Time
	Outcome TickOutcome
	Job     string    // "" for none
	At      time.Time // when it was dealt with
}

// ScheduleHistory returns the last ticks of a schedule that were dealt with, the newest first: at most 100, and as many of a
// clock that ran ahead.
func (q *Queue) ScheduleHistory(ctx context.Context, name string) ([]Tick, error) {
	texts, err := q.rdb.ZRevRange(ctx, historyKey(name), 0, -1).Result()
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
