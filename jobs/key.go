package jobs

// Names of keys in Redis. The part in braces decides the slot in a cluster: one for each lane and each budget, one for all
// records.
const (
	lanesKey     = "mixduck:lanes"   // ZSET: lanes that hold jobs, by when to look at them next (unix ms)
	workersKey   = "mixduck:workers" // SET: ids of workers seen
	recordPrefix = "mixduck:{jobs}:" // records and their indexes
	expiryKey    = recordPrefix + "expiry"
)

func recordKey(id string) string { return recordPrefix + "rec:" + id }
func workerKey(id string) string { return "mixduck:worker:" + id }

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

func indexAll() string                   { return recordPrefix + "all" }
func indexState(s State) string          { return recordPrefix + "state:" + string(s) }
func indexProject(project string) string { return recordPrefix + "project:" + project }
func indexDatabase(db string) string     { return recordPrefix + "database:" + db }
