package lanes

import (
	"embed"
	"sync"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs/internal/script"
)

//go:embed lua/*.lua
var sources embed.FS

// RecordPrelude is the start of each script that writes records.
//
//go:embed lua/record.lua
var RecordPrelude string

// Scripts are the atomic steps. Those of lanes share a prelude, and so do those of records.
type Scripts struct {
	submit, begin, settle, leave, look, raise *redis.Script // for a lane
	create, move, forget, windows             *redis.Script // for a record
	Schedule                                  *redis.Script // for the sweep
	beat                                      *redis.Script // for a worker
	Tables                                    *redis.Script // for table states
	days                                      *redis.Script // of day maps
	Admit                                     *redis.Script // for results sent through Redis
}

// loadScripts makes them once: they are the same for all engines.
var loadScripts = sync.OnceValue(func() Scripts {
	files := script.Files(sources)
	lane, record, plain := files.After(files.Text("lane")), files.After(RecordPrelude), files.After()
	return Scripts{
		submit: lane("submit"), begin: lane("begin"), settle: lane("settle"), leave: lane("leave"), look: lane("look"),
		raise:  lane("raise"),
		create: record("create"), move: record("move"), forget: record("forget"), windows: plain("windows"),
		Schedule: plain("schedule"), beat: plain("beat"), Tables: plain("tables"), days: plain("days"), Admit: plain("admit"),
	}
})
