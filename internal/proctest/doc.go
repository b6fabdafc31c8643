// Package proctest runs real programs for tests: Mixduck's, built once for a whole run, and redis-server. It knows how
// to start, watch, freeze and kill a process, and how to wait for a condition. It knows nothing about queues, jobs or
// databases.
package proctest
