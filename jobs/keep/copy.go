package keep

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"time"

	"mixduck/internal/filesystem"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
)

// kept is a worker's copy on disk of data in Redis. Its JSON form is stored: fields are only ever added.
type kept struct {
	Generation queue.Generation             `json:"generation"`
	SeenAt     time.Time                    `json:"seen_at"` // Redis time of the copied data
	Schedules  schedule.Copy                `json:"schedules"`
	Tables     map[string][]jobs.TableState `json:"tables"` // by database

	Questions map[string]jobs.SavedQuestion `json:"questions,omitempty"` // by name
}

// seenOften is the largest age of SeenAt on disk while nothing else changes.
const seenOften = 10 * time.Minute

// load reads a copy. It returns an empty one if there is no file.
func load(name string) (kept, error) {
	body, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return kept{}, nil
	}
	var k kept
	if err == nil {
		err = json.Unmarshal(body, &k)
	}
	if err != nil {
		return kept{}, fmt.Errorf("%s: %w", name, err)
	}
	return k, nil
}

// onto returns k plus the entries of an older copy that are missing but were not removed: Redis can lose single keys.
func (k kept) onto(older kept) kept {
	k.Schedules = k.Schedules.Onto(older.Schedules)
	for database, tables := range older.Tables {
		if _, ok := k.Tables[database]; !ok {
			k.Tables[database] = tables
		}
	}
	for name, s := range older.Questions {
		if _, ok := k.Questions[name]; !ok && !s.Forgotten(k.SeenAt) {
			k.Questions[name] = s
		}
	}
	return k
}

// same reports whether two copies are equal, apart from a small difference in time.
func (k kept) same(older kept) bool {
	since := k.SeenAt.Sub(older.SeenAt)
	older.SeenAt = k.SeenAt
	return since >= 0 && since < seenOften && reflect.DeepEqual(k, older)
}

// write replaces the whole file.
func (k kept) write(name string) error {
	body, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return filesystem.WriteFile(name, body)
}
