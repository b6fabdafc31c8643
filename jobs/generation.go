package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// Generation identifies the data that Redis holds: it is another one after Redis has lost everything. The zero value means
// that nobody has begun one.
type Generation struct {
	ID string    `json:"id"`
	At time.Time `json:"at"` // when it was begun, by the clock of Redis
}

// Marks tell a worker whether Redis still has what the worker published.
type Marks struct {
	Generation Generation
	Revision   int64           // of the schedules: another one after a person or a file has changed them
	Projects   bool            // whether the worker's projects are there
	Schedules  map[string]bool // names of all schedules that are there
}

// Marks returns what Redis has of a worker. It is cheap.
func (q *Queue) Marks(ctx context.Context, worker string) (Marks, error) {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	pipe := q.rdb.Pipeline()
	generation := pipe.HGetAll(ctx, generationKey)
	projects := pipe.HExists(ctx, catalogueKey, worker)
	names := pipe.SMembers(ctx, schedulesKey)
	if _, err := pipe.Exec(ctx); err != nil {
		return Marks{}, fmt.Errorf("look what the queue knows: %w", err)
	}
	p := parser{fields: generation.Val()}
	m := Marks{Revision: p.int("revision"), Projects: projects.Val(), Schedules: make(map[string]bool)}
	if id := generation.Val()["id"]; id != "" {
		m.Generation = Generation{ID: id, At: p.time("at")}
	}
	for _, name := range names.Val() {
		m.Schedules[name] = true
	}
	return m, p.err
}

// BeginGeneration gives the data in Redis an id, unless it has one, and returns the one that it has then.
func (q *Queue) BeginGeneration(ctx context.Context) (Generation, error) {
	now, err := q.Time(ctx)
	if err == nil {
		err = q.rdb.HSetNX(ctx, generationKey, "id", rand.Text()).Err()
	}
	if err == nil {
		err = q.rdb.HSetNX(ctx, generationKey, "at", now.UnixMilli()).Err()
	}
	var h map[string]string
	if err == nil {
		h, err = q.rdb.HGetAll(ctx, generationKey).Result()
	}
	if err == nil && h["id"] == "" {
		err = errors.New("it is gone again")
	}
	if err != nil {
		return Generation{}, fmt.Errorf("begin a generation of the queue's data: %w", err)
	}
	p := parser{fields: h}
	return Generation{ID: h["id"], At: p.time("at")}, p.err
}
