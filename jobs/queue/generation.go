package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"mixduck/jobs/internal/field"
	"mixduck/jobs/internal/lanes"
)

// Generation identifies the data in Redis. It changes when Redis has lost everything. The zero value means that there
// is no generation yet.
type Generation struct {
	ID string    `json:"id"`
	At time.Time `json:"at"` // when it began, in Redis time
}

// Marks tell a worker whether Redis still has the data that the worker published.
type Marks struct {
	Generation Generation
	Revision   int64           // of the schedules; changes whenever a person or a file changes one
	Projects   bool            // the worker's projects exist
	Schedules  map[string]bool // names of all existing schedules
}

// Marks returns what Redis has of a worker's data. It is cheap.
func (q *Queue) Marks(ctx context.Context, worker string) (Marks, error) {
	ctx, stop := context.WithTimeout(ctx, lanes.CallTimeout)
	defer stop()
	pipe := q.e.Redis.Pipeline()
	generation := pipe.HGetAll(ctx, lanes.GenerationKey)
	projects := pipe.HExists(ctx, lanes.CatalogueKey, worker)
	names := pipe.SMembers(ctx, lanes.SchedulesKey)
	if _, err := pipe.Exec(ctx); err != nil {
		return Marks{}, fmt.Errorf("look what the queue knows: %w", err)
	}
	p := field.Parser{Fields: generation.Val()}
	m := Marks{Revision: p.Int("revision"), Projects: projects.Val(), Schedules: make(map[string]bool)}
	if id := generation.Val()["id"]; id != "" {
		m.Generation = Generation{ID: id, At: p.Time("at")}
	}
	for _, name := range names.Val() {
		m.Schedules[name] = true
	}
	return m, p.Err
}

// BeginGeneration gives the data in Redis an ID if it has none, and returns the current generation.
func (q *Queue) BeginGeneration(ctx context.Context) (Generation, error) {
	now, err := q.e.Time(ctx)
	if err == nil {
		err = q.e.Redis.HSetNX(ctx, lanes.GenerationKey, "id", rand.Text()).Err()
	}
	if err == nil {
		err = q.e.Redis.HSetNX(ctx, lanes.GenerationKey, "at", now.UnixMilli()).Err()
	}
	var h map[string]string
	if err == nil {
		h, err = q.e.Redis.HGetAll(ctx, lanes.GenerationKey).Result()
	}
	if err == nil && h["id"] == "" {
		err = errors.New("it is gone again")
	}
	if err != nil {
		return Generation{}, fmt.Errorf("begin a generation of the queue's data: %w", err)
	}
	p := field.Parser{Fields: h}
	return Generation{ID: h["id"], At: p.Time("at")}, p.Err
}
