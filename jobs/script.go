package jobs

import (
	"embed"
	"fmt"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua
var sources embed.FS

// scripts are the steps that must happen whole. Those of a lane share a prelude, as do those of a record, of a
// budget and of a schedule.
type scripts struct {
	submit, begin, settle, leave, look, raise *redis.Script // of a lane
	create, move, forget                      *redis.Script // of a record
	schedule                                  *redis.Script // of the sweep
	beat                                      *redis.Script // of a worker
	tables                                    *redis.Script // of what is known of tables
	admit                                     *redis.Script // of the results that are sent

	schedulePut, scheduleDrop, schedulePause, scheduleRewind, scheduleFire, schedulePiece *redis.Script // of a schedule
	scheduleRestore, scheduleBury                                                         *redis.Script // of a copy of one

	acquire, withdraw, renew, overrule, spent *redis.Script // of a budget
}

func loadScripts() (scripts, error) {
	var failed error
	read := func(name string) string {
		b, err := sources.ReadFile("lua/" + name + ".lua")
		if err != nil {
			failed = fmt.Errorf("script %s: %w", name, err)
		}
		return string(b)
	}
	lanePrelude, recordPrelude, budgetPrelude, schedulePrelude := read("lane"), read("record"), read("budget"), read("schedules")
	lane := func(name string) *redis.Script { return redis.NewScript(lanePrelude + read(name)) }
	record := func(name string) *redis.Script { return redis.NewScript(recordPrelude + read(name)) }
	budget := func(name string) *redis.Script { return redis.NewScript(budgetPrelude + read(name)) }
	schedule := func(name string) *redis.Script {
		return redis.NewScript(recordPrelude + schedulePrelude + read("schedule_"+name))
	}
	plain := func(name string) *redis.Script { return redis.NewScript(read(name)) }
	s := scripts{
		submit: lane("submit"), begin: lane("begin"), settle: lane("settle"), leave: lane("leave"), look: lane("look"),
		raise:  lane("raise"),
		create: record("create"), move: record("move"), forget: record("forget"),
		schedule: plain("schedule"), beat: plain("beat"), tables: plain("tables"), admit: plain("admit"),
		acquire: budget("acquire"), withdraw: budget("withdraw"), renew: budget("renew"), overrule: budget("overrule"),
		spent: budget("spent"),

		schedulePut: schedule("put"), scheduleDrop: schedule("drop"), schedulePause: schedule("pause"),
		scheduleRewind: schedule("rewind"), scheduleFire: schedule("fire"), schedulePiece: schedule("piece"),
		scheduleRestore: schedule("restore"), scheduleBury: schedule("bury"),
	}
	return s, failed
}
