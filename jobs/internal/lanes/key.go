package lanes

import (
	"context"
	"fmt"
	"time"

	"mixduck/jobs"
)

// CatalogueKey is the HASH of the workers' catalogues, by worker ID.
const CatalogueKey = "mixduck:projects"

// Names of keys in Redis. The part in braces is a hash tag: one per lane and per budget, and one for all records. A
// single server ignores it. It stays because existing data uses these names.
const (
	LanesKey     = "mixduck:lanes"     // ZSET: non-empty lanes, by when to check them next (unix ms)
	workersKey   = "mixduck:workers"   // SET: IDs of workers seen
	TablesKey    = "mixduck:tables"    // HASH: table states, by database
	SnapshotsKey = "mixduck:snapshots" // HASH: snapshots, by database
	SavedKey     = "mixduck:questions" // HASH: saved questions, by name
	LakeKey      = "mixduck:lake"      // HASH: tables of the lake, by database and table
	RecordPrefix = "mixduck:{jobs}:"   // records and their indexes
)

// RecordKey returns the key of a job's record.
func RecordKey(id string) string { return RecordPrefix + "rec:" + id }

func workerKey(id string) string { return "mixduck:worker:" + id }

// Schedules are in the slot of the records, so a tick and its job are one step.
const (
	SchedulesKey = RecordPrefix + "schedules" // SET: all names
	AgendaKey    = RecordPrefix + "agenda"    // ZSET: the same names, by when to look at them next (unix ms; at once if negative)
	ArrivingKey  = RecordPrefix + "arriving"  // SET: jobs of schedules that may not be in their lanes yet
	AbsentKey    = RecordPrefix + "absent"    // HASH: since when workers with schedules in their files have been absent (unix ms)
	RemovedKey   = RecordPrefix + "removed"   // HASH: when schedules were removed (unix ms), by name

	// GenerationKey is a HASH: id of the data in Redis, at (when it began, unix ms), revision (of the schedules). If
	// it is missing or has another id, Redis has lost its data.
	GenerationKey = RecordPrefix + "generation"
)

// ReadDaysKey returns the key of a HASH: the last days on which queries of a database read properties, by table and
// property, and the first day at "".
func ReadDaysKey(database string) string { return "mixduck:reads:" + database }

// ReadCountsKey returns the key of a HASH: the number of queries in a month (2026-11), by table and property.
func ReadCountsKey(database, month string) string { return "mixduck:reads:" + month + ":" + database }

// LaneKeys returns the three keys of a lane, in the order used by its scripts.
func LaneKeys(lane string) []string {
	prefix := "mixduck:{lane:" + lane + "}:"
	return []string{prefix + "queue", prefix + "holder", prefix + "delayed"}
}

// ResultKey returns the key of a query's rows, used if they are few.
func ResultKey(id string) string { return RecordPrefix + "result:" + id }

// Scope is a set of indexes of records, each a ZSET by time of submission. Jobs that write and jobs that only read
// have separate scopes.
type Scope string

// The scopes.
const (
	WriteScope Scope = RecordPrefix
	readScope  Scope = RecordPrefix + "read:"
)

// Scopes returns all scopes.
func Scopes() []Scope { return []Scope{WriteScope, readScope} }

// ScopeOf returns the scope of a kind of jobs.
func ScopeOf(k jobs.Kind) Scope {
	if k.Writes() || k == "" {
		return WriteScope
	}
	return readScope
}

// All returns the index of all records.
func (s Scope) All() string { return string(s) + "all" }

func (s Scope) expiry() string { return string(s) + "expiry" } // by end of retention (unix ms)

// State returns the index of the jobs in a state.
func (s Scope) State(state jobs.State) string { return string(s) + "state:" + string(state) }

// Project returns the index of a project's jobs.
func (s Scope) Project(project string) string { return string(s) + "project:" + project }

// Database returns the index of a database's jobs.
func (s Scope) Database(db string) string { return string(s) + "database:" + db }

const attendLasts = 4 * time.Second // a query is forsaken after this long without a marker from its client

// The values that a client stores under its key. The key is also the name of its channel.
const (
	SayWaiting    = "waiting"
	SaySubscribed = "subscribed" // also subscribed; Redis drops a subscription as soon as the process dies

)

// WaiterKey returns the key that marks that a client waits for a query.
func WaiterKey(id string) string { return RecordPrefix + "waiter:" + id }

// Attend marks for four seconds that a client waits for a query.
func (en *Engine) Attend(ctx context.Context, id, word string) error {
	if err := en.Redis.Set(ctx, WaiterKey(id), word, attendLasts).Err(); err != nil {
		return fmt.Errorf("wait for job %s: %w", id, err)
	}
	return nil
}
