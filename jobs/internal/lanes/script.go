package lanes

import (
	"embed"
	"fmt"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua
var sources embed.FS

// RecordPrelude begins each script that writes records.
//
//go:embed lua/record.lua
var RecordPrelude string

// Scripts are the steps that must happen as one. Those of a lane share a prelude, as do those of a record.
type Scripts struct {
	submit, begin, settle, leave, look, raise *redis.Script // of a lane
	create, move, forget                      *redis.Script // of a record
	Schedule                                  *redis.Script // of the sweep
	beat                                      *redis.Script // of a worker
	Tables                                    *redis.Script // of what is known of tables
	Admit                                     *redis.Script // of the results that are sent
}

func loadScripts() (Scripts, error) {
	var failed error
	read := func(name string) string {
		b, err := sources.ReadFile("lua/" + name + ".lua")
		if err != nil {
			failed = fmt.Errorf("script %s: %w", name, err)
		}
		return string(b)
	}
	lanePrelude := read("lane")
	lane := func(name string) *redis.Script { return redis.NewScript(lanePrelude + read(name)) }
	record := func(name string) *redis.Script { return redis.NewScript(RecordPrelude + read(name)) }
	plain := func(name string) *redis.Script { return redis.NewScript(read(name)) }
	s := Scripts{
		submit: lane("submit"), begin: lane("begin"), settle: lane("settle"), leave: lane("leave"), look: lane("look"),
		raise:  lane("raise"),
		create: record("create"), move: record("move"), forget: record("forget"),
		Schedule: plain("schedule"), beat: plain("beat"), Tables: plain("tables"), Admit: plain("admit"),
	}
	return s, failed
}
