package jobs

// Names of keys in Redis. The part in braces is a hash tag: one for each lane and each budget, one for all records. A single
// server ignores it. It stays because other names would lose what is stored.
const (
	lanesKey     = "mixduck:lanes"   // ZSET: lanes that hold jobs, by when to look at them next (unix ms)
	workersKey   = "mixduck:workers" // SET: ids of workers seen
	tablesKey    = "mixduck:tables"  // HASH: what is known of tables, by database
	recordPrefix = "mixduck:{jobs}:" // records and their indexes
)

func recordKey(id string) string { return recordPrefix + "rec:" + id }
func workerKey(id string) string { return "mixduck:worker:" + id }

// Schedules lie in the slot of the records, so that a tick and its job are one step.
const (
	schedulesKey = recordPrefix + "schedules" // SET: names of all
	arrivingKey  = recordPrefix + "arriving"  // SET: jobs that schedules have made and that may not be in their lanes yet
	absentKey    = recordPrefix + "absent"    // HASH: since when workers with schedules in their files are missed (unix ms)
	removedKey   = recordPrefix + "removed"   // HASH: when schedules were removed (unix ms), by name

	// generationKey is a HASH: id of the data in Redis, at (when it was begun, unix ms), revision (of the schedules). Whoever
	// finds it missing, or with another id, knows that Redis has lost its data.
	generationKey = recordPrefix + "generation"
)

func scheduleKey(name string) string { return recordPrefix + "schedule:" + name }
func historyKey(name string) string  { return recordPrefix + "ticks:" + name }

// laneKeys are the three keys of a lane, in the order in which its scripts expect them.
func laneKeys(lane string) []string {
	prefix := "mixduck:{lane:" + lane + "}:"
	return []string{prefix + "queue", prefix + "holder", prefix + "delayed"}
}

// budgetKeys are the three keys of a project's budget, in the order in which its scripts expect them.
func budgetKeys(project string) []string {
	prefix := "mixduck:{budget:" + project + "}:"
	return []string{prefix + "used", prefix + "leases", prefix + "said"}
}

// resultKey holds the rows that a query has found, if they are few.
func resultKey(id string) string { return recordPrefix + "result:" + id }

// scope is a set of indexes of records, each a ZSET by time of submission: those of jobs that write, or that only read.
type scope string

const (
	writeScope scope = recordPrefix
	readScope  scope = recordPrefix + "read:"
)

func scopes() []scope { return []scope{writeScope, readScope} }

func scopeOf(k Kind) scope {
	if k == KindQuery {
		return readScope
	}
	return writeScope
}

func (s scope) all() string                   { return string(s) + "all" }
func (s scope) expiry() string                { return string(s) + "expiry" } // by when the record ends (unix ms)
func (s scope) state(state State) string      { return string(s) + "state:" + string(state) }
func (s scope) project(project string) string { return string(s) + "project:" + project }
func (s scope) database(db string) string     { return string(s) + "database:" + db }
