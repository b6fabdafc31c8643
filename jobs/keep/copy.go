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

// kept is what a worker keeps on its disk of what Redis holds. Its JSON form is stored: fields are only ever added.
type kept struct {
	Generation queue.Generation             `json:"generation"`
	SeenAt     time.Time                    `json:"seen_at"` // when Redis held all this, by its clock
	Schedules  schedule.Copy                `json:"schedules"`
	Tables     map[string][]jobs.TableState `json:"tables"` // by database
}

// seenOften is how old the time may become that is on the disk, while nothing else changes.
const seenOften = 10 * time.Minute

// load reads a copy. Where there is no file it is empty.
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

// onto returns k with what it lacks of an older copy although nobody has removed it: Redis may lose single keys.
func (k kept) onto(older kept) kept {
	k.Schedules = k.Schedules.Onto(older.Schedules)
	for database, tables := range older.Tables {
		if _, ok := k.Tables[database]; !ok {
			k.Tables[database] = tables
		}
	}
	return k
}

// same reports whether two copies differ in nothing but a little time.
func (k kept) same(older kept) bool {
	since := k.SeenAt.Sub(older.SeenAt)
	older.SeenAt = k.SeenAt
	return since >= 0 && since < seenOften && reflect.DeepEqual(k, older)
}

// write replaces the file as a whole.
func (k kept) write(name string) error {
	body, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return filesystem.WriteFile(name, body)
}
