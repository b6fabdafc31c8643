package lanes

import (
	"context"
	"fmt"
	"time"

	"mixduck/jobs"
)

// CatalogueKey is the HASH of what workers know, by their ids.
const CatalogueKey = "mixduck:projects"

// Names of keys in Redis. The part in braces is a hash tag: one for each lane and each budget, one for all records. A single
// server ignores it. It stays because other names would lose what is stored.
const (
	LanesKey     = "mixduck:lanes"   // ZSET: lanes that hold jobs, by when to look at them next (unix ms)
	workersKey   = "mixduck:workers" // SET: ids of workers seen
	TablesKey    = "mixduck:tables"  // HASH: what is known of tables, by database
	RecordPrefix = "mixduck:{jobs}:" // records and their indexes
)

// RecordKey holds the record of a job.
func RecordKey(id string) string { return RecordPrefix + "rec:" + id }

func workerKey(id string) string { return "mixduck:worker:" + id }

// Schedules lie in the slot of the records, so that a tick and its job are one step.
const (
	SchedulesKey = RecordPrefix + "schedules" // SET: names of all
	ArrivingKey  = RecordPrefix + "arriving"  // SET: jobs that schedules have made and that may not be in their lanes yet
	AbsentKey    = RecordPrefix + "absent"    // HASH: since when workers with schedules in their files are missed (unix ms)
	RemovedKey   = RecordPrefix + "removed"   // HASH: when schedules were removed (unix ms), by name

	// GenerationKey is a HASH: id of the data in Redis, at (when it was begun, unix ms), revision (of the schedules). Whoever
	// finds it missing, or with another id, knows that Redis has lost its data.
	GenerationKey = RecordPrefix + "generation"
)

// LaneKeys are the three keys of a lane, in the order in which its scripts expect them.
func LaneKeys(lane string) []string {
	prefix := "mixduck:{lane:" + lane + "}:"
	return []string{prefix + "queue", prefix + "holder", prefix + "delayed"}
}

// ResultKey holds the rows that a query has found, if they are few.
func ResultKey(id string) string { return RecordPrefix + "result:" + id }

// Scope is a set of indexes of records, each a ZSET by time of submission: those of jobs that write, or that only read.
type Scope string

// The scopes.
const (
	WriteScope Scope = RecordPrefix
	readScope  Scope = RecordPrefix + "read:"
)

// Scopes returns all scopes.
func Scopes() []Scope { return []Scope{WriteScope, readScope} }

// ScopeOf returns the scope of the jobs of a kind.
func ScopeOf(k jobs.Kind) Scope {
	if k == jobs.KindQuery {
		return readScope
	}
	return WriteScope
}

// All is the index of all records.
func (s Scope) All() string { return string(s) + "all" }

func (s Scope) expiry() string { return string(s) + "expiry" } // by when the record ends (unix ms)

// State is the index of the jobs in a state.
func (s Scope) State(state jobs.State) string { return string(s) + "state:" + string(state) }

// Project is the index of the jobs of a project.
func (s Scope) Project(project string) string { return string(s) + "project:" + project }

// Database is the index of the jobs of a database.
func (s Scope) Database(db string) string { return string(s) + "database:" + db }

const attendLasts = 4 * time.Second // without a word from its asker a query is forsaken

// What an asker says under his key, whose name is that of his channel, too.
const (
	SayWaiting    = "waiting"
	SaySubscribed = "subscribed" // as well; Redis drops a subscription as soon as his process dies

)

// WaiterKey says that somebody waits for a query.
func WaiterKey(id string) string { return RecordPrefix + "waiter:" + id }

// Attend writes that somebody waits for a query, which counts for four seconds.
func (en *Engine) Attend(ctx context.Context, id, word string) error {
	if err := en.Redis.Set(ctx, WaiterKey(id), word, attendLasts).Err(); err != nil {
		return fmt.Errorf("wait for job %s: %w", id, err)
	}
	return nil
}
